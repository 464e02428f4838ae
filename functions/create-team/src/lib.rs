//! Makes a team, with whoever asks as its owner.

use muster_shared::domain::role::Role;
use muster_shared::domain::text::Name;
use muster_shared::http::fields::text;
use muster_shared::http::views::TeamView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `POST /api/teams`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-team",
    method: Method::POST,
    path: "/api/teams",
    auth: Auth::Jwt,
    warm_up: WarmUp::None,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let mut body = call.body()?;
    let name = body.required::<Name>("name", text);
    body.finish()?;
    let team = call.store().create_team(&caller, name?).await?;
    call.note_team(team.id);
    Ok(Reply::created(&TeamView::new(&team, Role::Owner)))
}
