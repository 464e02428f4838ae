//! The development issuer over HTTP: discovery, its keys, the sign-in, and a token for the asking,
//! with whatever claims. No function has any of it.

mod page;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;

use super::refusal::{json_response, message};

const USAGE: &str = "Ask for /dev/token?email=alice@example.com (a person's ID token; write a + as \
                     %2B) or /dev/token?client=ci (a machine client's access token), or POST a \
                     JSON object of claims to /dev/token";

pub(super) fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/jwks.json", get(keys))
        .route("/dev/token", get(token).post(token_with))
        .merge(sign_in::router())
        .with_state(issuer)
}

async fn discovery(State(issuer): State<Arc<Issuer>>) -> Response {
    json_response(StatusCode::OK, &issuer.discovery())
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Response {
    json_response(StatusCode::OK, &json!(issuer.keys()))
}

async fn token(State(issuer): State<Arc<Issuer>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let token = match (parameters.next(), parameters.next()) {
        (Some((name, email)), None) if name == "email" => {
            email.parse().ok().map(|email| json!({ "id_token": issuer.id_token(&email) }))
        }
        (Some((name, client)), None) if name == "client" => {
            issuer.access_token(&client).map(|token| json!({ "access_token": token }))
        }
        _ => None,
    };
    answer(token)
}

/// A token with any claims at all, for those who test what becomes of it.
async fn token_with(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Response {
    let wanted = serde_json::from_slice::<Map<String, Value>>(&body).ok();
    answer(wanted.map(|wanted| {
        let mut claims = issuer.claims("somebody");
        claims.extend(wanted);
        json!({ "token": issuer.sign(&claims) })
    }))
}

fn answer(token: Option<Value>) -> Response {
    match token {
        Some(token) => json_response(StatusCode::OK, &token),
        None => message(StatusCode::BAD_REQUEST, USAGE),
    }
}
