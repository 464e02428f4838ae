//! What API Gateway answers of its own accord: bodies that are no problem details.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::authorizer::Unauthorized;

/// Why a request does not reach a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// There is no such route.
    #[error("no such route")]
    NotFound,
    /// The JWT does not hold.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// The request line and the headers are too long.
    #[error("request line and headers over 10,240 bytes")]
    HeadTooLarge,
    /// The body is too long, or breaks off.
    #[error("body over 10 MB")]
    BodyTooLarge,
    /// The function has failed.
    #[error("the function failed")]
    Broken,
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response {
        let text = match self {
            Self::NotFound => "Not Found",
            Self::Unauthorized(_) => "Unauthorized",
            Self::HeadTooLarge => "Request Header Fields Too Large",
            Self::BodyTooLarge => "Request Entity Too Large",
            Self::Broken => "Internal Server Error",
        };
        let mut response = message(self.status(), text);
        if let Self::Unauthorized(why) = self
            && let Ok(challenge) = HeaderValue::try_from(challenge(why))
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn challenge(why: Unauthorized) -> String {
    match why {
        Unauthorized::Missing => "Bearer".to_owned(),
        _ => format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#),
    }
}

/// An answer that says `text`.
pub(super) fn message(status: StatusCode, text: &str) -> Response {
    json_response(status, &json!({ "message": text }))
}

/// An answer of JSON.
pub(super) fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
