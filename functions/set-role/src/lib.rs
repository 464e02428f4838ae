//! Gives a member of a team another role.

use muster_shared::domain::role::Role;
use muster_shared::http::fields::text;
use muster_shared::http::views::MemberView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::MemberRef;
use muster_shared::store::WarmUp;

/// `PATCH /api/teams/{team_id}/members/{member}`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "set-role",
    method: Method::PATCH,
    path: "/api/teams/{team_id}/members/{member}",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let member: MemberRef = call.path("member")?;
    let mut body = call.body()?;
    let role = body.required::<Role>("role", text);
    body.finish()?;
    let member = call.store().set_role(team, &caller, &member, role?).await?;
    Ok(Reply::ok(&MemberView::new(&member)))
}
