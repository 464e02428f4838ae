//! Lists a team's nodes, to any member: filtered, searched, page by page.

use muster_shared::domain::hostname::Hostname;
use muster_shared::domain::id::TokenId;
use muster_shared::domain::node::Status;
use muster_shared::domain::text::{Group, Kind, Tag};
use muster_shared::http::cursor;
use muster_shared::http::fields::{search, text};
use muster_shared::http::views::NodeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::NodeQuery;
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/nodes`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-nodes",
    method: Method::GET,
    path: "/api/teams/{team_id}/nodes",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<Hostname>("cursor", cursor::parameter);
    let token = query.optional::<TokenId>("token_id", text);
    let group = query.optional::<Group>("group", text);
    let kind = query.optional::<Kind>("kind", text);
    let tag = query.optional::<Tag>("tag", text);
    let status = query.optional::<Status>("status", text);
    let q = query.optional("q", search);
    query.finish()?;
    let wanted =
        NodeQuery { token: token?, group: group?, kind: kind?, tag: tag?, status: status?, q: q? };
    let limit = limit?.unwrap_or_default();
    let after = after?;
    let nodes =
        call.store().list_nodes(team, &caller, &wanted, after.as_ref(), limit.get() + 1).await?;
    let (nodes, next) = cursor::page(nodes, limit, |node| node.hostname.clone());
    let now = call.now();
    let views: Vec<_> = nodes.iter().map(|node| NodeView::new(team, node, now)).collect();
    Ok(Reply::page("nodes", &views, next))
}
