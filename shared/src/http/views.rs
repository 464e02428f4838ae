//! What callers see of what is stored. What is not set is `null`.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use crate::domain::address::PrivateIp;
use crate::domain::enrollment::Outcome;
use crate::domain::gate::Usage;
use crate::domain::hostname::Hostname;
use crate::domain::id::{MembershipId, NodeId, TeamId, TokenId};
use crate::domain::member::{Member, Team};
use crate::domain::node::Node;
use crate::domain::principal::{Email, Principal};
use crate::domain::refusal::Holder;
use crate::domain::removal::Removal;
use crate::domain::role::Role;
use crate::domain::text::{AgentVersion, Group, Kind, Name, OperatingSystem, Tag};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{AllowedKinds, Origin, Token};
use crate::environment::SignIn;
use crate::store::{GroupCount, Made, Registered};

fn time(at: Timestamp) -> String {
    at.to_string()
}

/// Where people sign in: the metadata of a protected resource (RFC 9728), with the client beside.
#[derive(Debug, Serialize)]
pub struct SignInView<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    scopes_supported: [&'static str; 2],
    bearer_methods_supported: [&'static str; 1],
    client_id: &'a str,
}

impl<'a> SignInView<'a> {
    /// The view of where people sign in to the service at `resource`.
    pub fn new(resource: &'a str, sign_in: &'a SignIn) -> Self {
        Self {
            resource,
            authorization_servers: [&sign_in.issuer],
            scopes_supported: ["openid", "email"],
            bearer_methods_supported: ["header"],
            client_id: &sign_in.client_id,
        }
    }
}

/// A team and the caller's role in it.
#[derive(Debug, Serialize)]
pub struct TeamView<'a> {
    id: TeamId,
    name: &'a Name,
    role: Role,
}

impl<'a> TeamView<'a> {
    /// The view of a team.
    pub fn new(team: &'a Team, role: Role) -> Self {
        Self { id: team.id, name: &team.name, role }
    }
}

/// A member.
#[derive(Debug, Serialize)]
pub struct MemberView<'a> {
    principal: &'a Principal,
    membership_id: MembershipId,
    email: Option<Email>,
    role: Role,
    joined_at: String,
}

impl<'a> MemberView<'a> {
    /// The view of a member.
    pub fn new(member: &'a Member) -> Self {
        Self {
            principal: &member.principal,
            membership_id: member.membership,
            email: member.principal.email(),
            role: member.role,
            joined_at: time(member.joined_at),
        }
    }
}

/// The removal of a member.
#[derive(Debug, Serialize)]
pub struct RemovalView<'a> {
    membership_id: MembershipId,
    principal: &'a Principal,
    state: &'static str,
    tokens_revoked: u64,
    nodes_removed: u64,
    requested_at: String,
    requested_by: PersonView<'a>,
    completed_at: Option<String>,
}

impl<'a> RemovalView<'a> {
    /// The view of a removal.
    pub fn new(removal: &'a Removal) -> Self {
        Self {
            membership_id: removal.membership,
            principal: &removal.principal,
            state: removal.state().as_str(),
            tokens_revoked: removal.tokens_revoked,
            nodes_removed: removal.nodes_removed,
            requested_at: time(removal.requested_at),
            requested_by: PersonView::new(&removal.requested_by),
            completed_at: removal.completed_at.map(time),
        }
    }
}

/// Who did something.
#[derive(Debug, Serialize)]
pub struct PersonView<'a> {
    email: Option<Email>,
    principal: &'a Principal,
}

impl<'a> PersonView<'a> {
    fn new(principal: &'a Principal) -> Self {
        Self { email: principal.email(), principal }
    }
}

/// A token.
#[derive(Debug, Serialize)]
pub struct TokenView<'a> {
    id: TokenId,
    name: &'a Name,
    status: &'static str,
    use_count: u64,
    max_uses: Option<u32>,
    allowed_kinds: Option<&'a [Kind]>,
    expires_at: Option<String>,
    created_at: String,
    created_by: PersonView<'a>,
    origin: &'static str,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    revoked_by: Option<PersonView<'a>>,
}

impl<'a> TokenView<'a> {
    /// The view of a token at `now`.
    pub fn new(token: &'a Token, usage: Usage, now: Timestamp) -> Self {
        let revocation = token.revocation.as_ref();
        Self {
            id: token.id,
            name: &token.name,
            status: token.status(usage, now).as_str(),
            use_count: usage.used,
            max_uses: token.policy.max_uses.map(u32::from),
            allowed_kinds: token.policy.allowed_kinds.as_ref().map(AllowedKinds::as_slice),
            expires_at: token.policy.expires_at.map(time),
            created_at: time(token.created_at),
            created_by: PersonView::new(&token.created_by),
            origin: token.origin.as_str(),
            last_used_at: usage.last_used_at.map(time),
            revoked_at: revocation.map(|revocation| time(revocation.at)),
            revoked_by: revocation.map(|revocation| PersonView::new(&revocation.by)),
        }
    }
}

/// A token just made, with its plaintext: the one view that shows it.
#[derive(Serialize)]
pub struct MadeView<'a> {
    #[serde(flatten)]
    view: TokenView<'a>,
    token: String,
    join_command: Option<String>,
}

impl<'a> MadeView<'a> {
    /// The view of a token just made through the API at `base`, such as `https://api.example.com`.
    pub fn new(made: &'a Made, base: &str, now: Timestamp) -> Self {
        let token = made.plaintext.expose();
        Self {
            view: TokenView::new(&made.token, Usage::default(), now),
            token: token.as_str().to_owned(),
            join_command: join_command(&made.token, &token, base),
        }
    }
}

/// What a machine that has `curl` runs to join; none for a token that asks for a key.
fn join_command(token: &Token, plaintext: &str, base: &str) -> Option<String> {
    if token.origin == Origin::SelfEnroll {
        return None;
    }
    // The kind that a node has which says none may not be among those admitted.
    let kinds = token.policy.allowed_kinds.as_ref().map(AllowedKinds::as_slice);
    let kinds = kinds.filter(|kinds| !kinds.contains(&Kind::default()));
    let kind = kinds.and_then(<[Kind]>::first);
    let kind = kind.map(|kind| format!(",\"kind\":\"{kind}\"")).unwrap_or_default();
    Some(format!(
        "curl -sS {base}/api/register-node -H 'Content-Type: application/json' \
         -d '{{\"token\":\"{plaintext}\",\"hostname\":\"'\"$(hostname)\"'\"{kind}}}'"
    ))
}

/// A node.
#[derive(Debug, Serialize)]
pub struct NodeView<'a> {
    id: NodeId,
    team_id: TeamId,
    name: Option<&'a Name>,
    hostname: &'a Hostname,
    ip_address: Option<IpAddr>,
    private_ip: Option<PrivateIp>,
    kind: &'a Kind,
    group: &'a Group,
    tags: &'a [Tag],
    meta: Option<Value>,
    os: Option<&'a OperatingSystem>,
    agent_version: Option<&'a AgentVersion>,
    addresses: &'a [IpAddr],
    token_id: TokenId,
    status: &'static str,
    created_at: String,
    updated_at: String,
    last_seen_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl<'a> NodeView<'a> {
    /// The view of a node that has just registered.
    pub fn registered(registered: &'a Registered, now: Timestamp) -> Self {
        let outcome = Some(registered.outcome);
        Self { outcome, ..Self::new(registered.team, &registered.node, now) }
    }

    /// The view of a node at `now`.
    pub fn new(team: TeamId, node: &'a Node, now: Timestamp) -> Self {
        let heartbeat = node.heartbeat.as_ref();
        Self {
            id: node.id,
            team_id: team,
            name: node.name.as_ref(),
            hostname: &node.hostname,
            ip_address: node.ip_address,
            private_ip: node.private_ip,
            kind: &node.kind,
            group: &node.group,
            tags: node.tags.as_slice(),
            meta: node.meta.as_ref().map(crate::domain::text::Meta::to_json),
            os: node.os(),
            agent_version: heartbeat.and_then(|heartbeat| heartbeat.agent_version.as_ref()),
            addresses: heartbeat.map_or(&[], |heartbeat| heartbeat.addresses.as_slice()),
            token_id: node.sponsor.token,
            status: node.status(now).as_str(),
            created_at: time(node.created_at),
            updated_at: time(node.updated_at),
            last_seen_at: time(node.last_seen_at),
            outcome: None,
        }
    }
}

/// The node that has a hostname which was asked for.
#[derive(Debug, Serialize)]
pub struct HolderView {
    id: NodeId,
    created_at: String,
    last_seen_at: String,
}

impl HolderView {
    /// The view of a holder.
    pub fn new(holder: &Holder) -> Self {
        Self {
            id: holder.node,
            created_at: time(holder.since),
            last_seen_at: time(holder.last_seen_at),
        }
    }
}

/// A group of nodes.
#[derive(Debug, Serialize)]
pub struct GroupView<'a> {
    name: &'a Group,
    nodes: u64,
    online: u64,
}

impl<'a> GroupView<'a> {
    /// The view of a group.
    pub fn new(group: &'a GroupCount) -> Self {
        Self { name: &group.name, nodes: group.nodes, online: group.online }
    }
}
