//! Adds a principal to a team.

use muster_shared::domain::principal::{Email, Principal};
use muster_shared::domain::role::Role;
use muster_shared::http::fields::text;
use muster_shared::http::views::MemberView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `POST /api/teams/{team_id}/members`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "add-member",
    method: Method::POST,
    path: "/api/teams/{team_id}/members",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut body = call.body()?;
    let email = body.optional::<Email>("email", text);
    let principal = body.optional::<Principal>("principal", text);
    let role = body.required::<Role>("role", text);
    if let (Ok(None), Ok(None)) | (Ok(Some(_)), Ok(Some(_))) = (&email, &principal) {
        body.wrong("email", "either this or principal must be given, not both");
    }
    body.finish()?;
    let Some(principal) = principal?.or(email?.map(Principal::from)) else {
        return Err(Problem::field("/email", "is required"));
    };
    let member = call.store().add_member(team, &caller, principal, role?).await?;
    Ok(Reply::created(&MemberView::new(&member)))
}
