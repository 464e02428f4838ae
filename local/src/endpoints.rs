//! Every endpoint there is.

use muster_shared::http::Endpoint;

static ENDPOINTS: [Endpoint; 20] = [
    create_team::ENDPOINT,
    list_teams::ENDPOINT,
    list_members::ENDPOINT,
    add_member::ENDPOINT,
    set_role::ENDPOINT,
    remove_member::ENDPOINT,
    list_removals::ENDPOINT,
    create_token::ENDPOINT,
    list_tokens::ENDPOINT,
    get_token::ENDPOINT,
    revoke_token::ENDPOINT,
    self_enroll::ENDPOINT,
    register_node::ENDPOINT,
    list_nodes::ENDPOINT,
    remove_node::ENDPOINT,
    list_groups::ENDPOINT,
    record_heartbeat::ENDPOINT,
    describe_sign_in::ENDPOINT,
    get_own_node::ENDPOINT,
    leave_team::ENDPOINT,
];

/// Every endpoint of the API.
pub fn endpoints() -> &'static [Endpoint] {
    &ENDPOINTS
}
