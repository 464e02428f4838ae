//! Lists the removals of a team's members and how far each has come.

use muster_shared::domain::removal::{Place, Removal};
use muster_shared::http::cursor;
use muster_shared::http::fields::text;
use muster_shared::http::views::RemovalView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/removals`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-removals",
    method: Method::GET,
    path: "/api/teams/{team_id}/removals",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<Place>("cursor", cursor::parameter);
    query.finish()?;
    let limit = limit?.unwrap_or_default();
    let removals = call.store().list_removals(team, &caller, after?, limit.get() + 1).await?;
    let (removals, next) = cursor::page(removals, limit, Removal::place);
    let views: Vec<_> = removals.iter().map(RemovalView::new).collect();
    Ok(Reply::page("removals", &views, next))
}
