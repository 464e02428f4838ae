//! Removes a member from a team, or lets whoever asks leave it.

use muster_shared::http::views::RemovalView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::MemberRef;
use muster_shared::store::WarmUp;

/// `DELETE /api/teams/{team_id}/members/{member}`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "remove-member",
    method: Method::DELETE,
    path: "/api/teams/{team_id}/members/{member}",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let member: MemberRef = call.path("member")?;
    let removal = call.store().remove_member(team, &caller, &member).await?;
    Ok(Reply::accepted(&RemovalView::new(&removal)))
}
