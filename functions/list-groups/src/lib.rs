//! Lists the groups that a team's nodes name, to any member, page by page.

use muster_shared::domain::text::Group;
use muster_shared::http::cursor;
use muster_shared::http::fields::text;
use muster_shared::http::views::GroupView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/groups`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-groups",
    method: Method::GET,
    path: "/api/teams/{team_id}/groups",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<Group>("cursor", cursor::parameter);
    query.finish()?;
    let (limit, after) = (limit?.unwrap_or_default(), after?);
    let groups = call.store().list_groups(team, &caller, after.as_ref(), limit.get() + 1).await?;
    let (groups, next) = cursor::page(groups, limit, |group| group.name.clone());
    let views: Vec<_> = groups.iter().map(GroupView::new).collect();
    Ok(Reply::page("groups", &views, next))
}
