//! What an endpoint answers when it goes well.

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    outcome: &'static str,
    body: Option<String>,
}

impl Reply {
    /// `200`: what was there, or changed.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::with(StatusCode::OK, "ok", body)
    }

    /// `201`: what was made.
    pub fn created(body: &impl Serialize) -> Self {
        Self::with(StatusCode::CREATED, "created", body)
    }

    /// `202`: what was begun.
    pub fn accepted(body: &impl Serialize) -> Self {
        Self::with(StatusCode::ACCEPTED, "accepted", body)
    }

    /// `204`: what is gone.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, outcome: "gone", body: None }
    }

    /// `200`: one page of a list called `name`.
    pub fn page(name: &str, entries: &impl Serialize, next_cursor: Option<String>) -> Self {
        let mut body = serde_json::Map::new();
        body.insert(name.to_owned(), serde_json::to_value(entries).unwrap_or_default());
        body.insert("next_cursor".to_owned(), next_cursor.into());
        Self::with(StatusCode::OK, "ok", &body)
    }

    fn with(status: StatusCode, outcome: &'static str, body: &impl Serialize) -> Self {
        Self { status, outcome, body: Some(serde_json::to_string(body).unwrap_or_default()) }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the log calls it, beside the codes of problems.
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// The answer.
    pub fn into_response(self) -> Response<Body> {
        let mut response = match self.body {
            Some(body) => {
                let mut response = Response::new(Body::Text(body));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            None => Response::new(Body::Empty),
        };
        *response.status_mut() = self.status;
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        response
    }
}
