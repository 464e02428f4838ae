//! The development issuer over HTTP: discovery, its keys, and a token for the asking. No function
//! has any of it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use crate::issuer::Issuer;

use super::refusal::{json_response, message};

const USAGE: &str = "Ask for /dev/token?email=alice@example.com (a person's ID token; write a + as \
                     %2B) or /dev/token?client=ci (a machine client's access token)";

pub(super) fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/jwks.json", get(keys))
        .route("/dev/token", get(token))
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
    match token {
        Some(token) => json_response(StatusCode::OK, &token),
        None => message(StatusCode::BAD_REQUEST, USAGE),
    }
}
