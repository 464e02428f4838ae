//! Shows one token of a team.

use muster_shared::http::views::TokenView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/registration-tokens/{token_id}`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-token",
    method: Method::GET,
    path: "/api/teams/{team_id}/registration-tokens/{token_id}",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let id = call.token()?;
    let (token, usage) = call.store().get_token(team, &caller, id).await?;
    Ok(Reply::ok(&TokenView::new(&token, usage, call.now())))
}
