//! Lets a machine in that presents an enrollment token, or updates it.

use muster_shared::domain::Invalid;
use muster_shared::domain::enrollment::Outcome;
use muster_shared::domain::hostname::Hostname;
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::report::Report;
use muster_shared::domain::text::{Group, Kind, Meta, Name, OperatingSystem, Tag, Tags};
use muster_shared::http::fields::{Wrong, ip_address, json, text, texts};
use muster_shared::http::views::NodeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::Registration;
use muster_shared::store::WarmUp;
use serde_json::Value;
use zeroize::Zeroizing;

/// `POST /api/register-node`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "register-node",
    method: Method::POST,
    path: "/api/register-node",
    auth: Auth::EnrollmentToken,
    warm_up: WarmUp::Token,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let mut body = call.body()?;
    let in_body = body.optional("token", secret);
    let hostname = body.required::<Hostname>("hostname", text);
    let name = body.optional::<Name>("name", text);
    let ip_address = body.optional("ip_address", ip_address);
    let kind = body.optional::<Kind>("kind", text);
    let group = body.optional::<Group>("group", text);
    let tags = body.optional("tags", texts::<Tag, Tags>);
    let meta = body.optional::<Meta>("meta", json);
    let os = body.optional::<OperatingSystem>("os", text);
    let in_header = bearer(&call)?;
    if let (Ok(Some(in_body)), Some(in_header)) = (&in_body, &in_header)
        && in_body.as_str() != in_header.as_str()
    {
        body.wrong("token", "differs from the one in Authorization; send one of them");
    }
    body.finish()?;
    let presented = in_body?.or(in_header).ok_or(Problem::Unauthenticated)?;
    let plaintext: Plaintext = presented.parse().map_err(|_| Refusal::InvalidToken)?;
    call.note_team(plaintext.team());
    call.note_token(plaintext.token());
    let report = Report {
        hostname: hostname?,
        name: name?,
        ip_address: ip_address?,
        kind: kind?,
        group: group?,
        tags: tags?,
        meta: meta?,
        os: os?,
    };
    let key = call.proved_key(Some(&plaintext))?;
    let registration = Registration { plaintext, report, key };
    let registered = call.store().register_node(&registration).await?;
    if registered.took_use {
        call.note_enrollment();
    }
    let view = NodeView::registered(&registered, call.now());
    Ok(match registered.outcome {
        Outcome::Created => Reply::created(&view),
        Outcome::Updated | Outcome::Unchanged => Reply::ok(&view),
    })
}

/// The plaintext in the body, not yet parsed, so that a wrong one reads like an unknown one.
fn secret(value: Value) -> Result<Zeroizing<String>, Wrong> {
    match value {
        Value::String(text) => Ok(Zeroizing::new(text)),
        _ => Err(Invalid("must be a string").into()),
    }
}

/// The plaintext in `Authorization: Bearer`.
fn bearer(call: &Call) -> Result<Option<Zeroizing<String>>, Problem> {
    let value = call.header("authorization").map_err(|Invalid(_)| Problem::Unauthenticated)?;
    let Some(value) = value else { return Ok(None) };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(Zeroizing::new(token.trim().to_owned())))
        }
        _ => Err(Problem::Unauthenticated),
    }
}
