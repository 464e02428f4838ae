//! Makes a token for one device of whoever asks, valid for minutes.

use muster_shared::domain::text::Name;
use muster_shared::http::fields::text;
use muster_shared::http::views::MadeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `POST /api/teams/{team_id}/self-enroll`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "self-enroll",
    method: Method::POST,
    path: "/api/teams/{team_id}/self-enroll",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

const NAME: &str = "Self-enrolled device";

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut body = call.body()?;
    let name = body.optional::<Name>("name", text);
    body.finish()?;
    let name = match name? {
        Some(name) => name,
        None => NAME.parse().map_err(|_| Problem::field("/name", "is required"))?,
    };
    let made = call.store().self_enroll(team, &caller, name).await?;
    call.note_token(made.token.id);
    Ok(Reply::created(&MadeView::new(&made, &call.base(), call.now())))
}
