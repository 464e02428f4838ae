//! Lists the members of a team, to any of them.

use muster_shared::domain::principal::Principal;
use muster_shared::http::cursor;
use muster_shared::http::fields::text;
use muster_shared::http::views::MemberView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/members`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-members",
    method: Method::GET,
    path: "/api/teams/{team_id}/members",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<Principal>("cursor", cursor::parameter);
    query.finish()?;
    let limit = limit?.unwrap_or_default();
    let after = after?;
    let members = call.store().list_members(team, &caller, after.as_ref(), limit.get() + 1).await?;
    let (members, next) = cursor::page(members, limit, |member| member.principal.clone());
    let views: Vec<_> = members.iter().map(MemberView::new).collect();
    Ok(Reply::page("members", &views, next))
}
