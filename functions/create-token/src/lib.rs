//! Makes an enrollment token; its plaintext stands in this answer alone.

use muster_shared::domain::text::{Kind, Name};
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::{AllowedKinds, MaxUses, Policy};
use muster_shared::http::fields::{text, texts, whole};
use muster_shared::http::views::MadeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::NewToken;
use muster_shared::store::WarmUp;

/// `POST /api/teams/{team_id}/registration-tokens`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-token",
    method: Method::POST,
    path: "/api/teams/{team_id}/registration-tokens",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut body = call.body()?;
    let name = body.required::<Name>("name", text);
    let max_uses = body.optional::<MaxUses>("max_uses", whole);
    let expires_at = body.optional::<Timestamp>("expires_at", text);
    let allowed_kinds = body.optional("allowed_kinds", texts::<Kind, AllowedKinds>);
    if let Ok(Some(expires_at)) = expires_at
        && expires_at <= call.now()
    {
        body.wrong("expires_at", "must be in the future");
    }
    body.finish()?;
    let policy =
        Policy { allowed_kinds: allowed_kinds?, expires_at: expires_at?, max_uses: max_uses? };
    let new = NewToken { name: name?, policy };
    let made = call.store().create_token(team, &caller, new).await?;
    call.note_token(made.token.id);
    Ok(Reply::created(&MadeView::new(&made, &call.base(), call.now())))
}
