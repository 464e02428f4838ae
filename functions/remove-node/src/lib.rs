//! Removes a node from a team and gives its address back.

use muster_shared::domain::hostname::Hostname;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `DELETE /api/teams/{team_id}/nodes/{hostname}`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "remove-node",
    method: Method::DELETE,
    path: "/api/teams/{team_id}/nodes/{hostname}",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let hostname: Hostname = call.path("hostname")?;
    call.store().remove_node(team, &caller, &hostname).await?;
    Ok(Reply::no_content())
}
