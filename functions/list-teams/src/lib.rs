//! Lists the teams of whoever asks.

use muster_shared::domain::id::TeamId;
use muster_shared::http::cursor;
use muster_shared::http::fields::text;
use muster_shared::http::views::TeamView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-teams",
    method: Method::GET,
    path: "/api/teams",
    auth: Auth::Jwt,
    warm_up: WarmUp::MyTeams,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<TeamId>("cursor", cursor::parameter);
    query.finish()?;
    let limit = limit?.unwrap_or_default();
    let teams = call.store().list_teams(&caller, after?, limit.get() + 1).await?;
    let (teams, next) = cursor::page(teams, limit, |(team, _)| team.id);
    let views: Vec<_> = teams.iter().map(|(team, role)| TeamView::new(team, *role)).collect();
    Ok(Reply::page("teams", &views, next))
}
