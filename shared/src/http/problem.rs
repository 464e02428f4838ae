//! What a caller reads of a request that failed: RFC 9457 problem details.
//!
//! The text for the caller says what to do next. What happened inside goes to the log alone.

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::domain::refusal::Refusal;
use crate::store::{Error, Fault};

use super::proof::ProofError;
use super::views::HolderView;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Fields that are missing, unknown or not what they must be.
    #[error("invalid request")]
    InvalidRequest(Vec<FieldError>),
    /// A body over the limit.
    #[error("the body is too large")]
    TooLarge,
    /// Nobody is named.
    #[error("unauthenticated")]
    Unauthenticated,
    /// No device has proved its key.
    #[error("no proof of a device's key")]
    NoProof,
    /// The JWT names nobody that could be a principal.
    #[error("the JWT names no principal")]
    NoPrincipal,
    /// The DPoP proof does not hold.
    #[error("invalid proof: {0}")]
    InvalidProof(#[from] ProofError),
    /// A rule of the product.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The deadline passed.
    #[error("busy")]
    Busy,
    /// Something is wrong with the service.
    #[error(transparent)]
    Internal(#[from] Fault),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where the field is.
    #[serde(flatten)]
    pub place: Place,
    /// What it must be. Never contains the value.
    pub detail: String,
}

/// Where a field is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the body: a JSON pointer (RFC 6901).
    Pointer(String),
    /// A query parameter, by name.
    Parameter(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Busy => Self::Busy,
            Error::Internal(fault) => Self::Internal(fault),
        }
    }
}

/// The fixed part of a problem.
struct Kind {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
}

impl Problem {
    /// One field that is wrong.
    pub fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::InvalidRequest(vec![FieldError {
            place: Place::Pointer(pointer.to_owned()),
            detail: detail.into(),
        }])
    }

    /// The stable code, for programs and logs.
    pub fn code(&self) -> &'static str {
        self.kind().code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind().status
    }

    fn kind(&self) -> Kind {
        let (status, code, title, detail) = match self {
            Self::InvalidRequest(_) => (
                StatusCode::BAD_REQUEST,
                "invalid-request",
                "The request is not valid",
                "Correct what `errors` names and send the request again.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
                "Send at most 64 KiB.",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The request names nobody",
                "Send the enrollment token in the body's `token` or as `Authorization: Bearer`; \
                 people send their ID token as `Authorization: Bearer`.",
            ),
            Self::NoProof => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The request proves no key",
                "Send a DPoP proof (RFC 9449) with the device's Ed25519 key in the `DPoP` header.",
            ),
            Self::NoPrincipal => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "The JWT names nobody who could be a member",
                "Send the ID token, with a verified e-mail address; a machine client sends its \
                 client-credentials token.",
            ),
            Self::InvalidProof(_) => (
                StatusCode::UNAUTHORIZED,
                "invalid-proof",
                "The DPoP proof does not hold",
                "Make a new proof for this very request with the device's Ed25519 key (RFC 9449): \
                 see `errors`. Check that the clock is right.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too much is going on at once",
                "Send the same request again after `Retry-After` seconds, with some jitter. It may have \
                 gone through: repeating it is safe, but a create may make another one.",
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something is wrong with the service",
                "Send the request again later; if it goes on, give the request id to the operator.",
            ),
            Self::Refused(refusal) => refused(*refusal),
        };
        Kind { status, code, title, detail }
    }

    /// The answer.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let kind = self.kind();
        let errors = match &self {
            Self::InvalidRequest(errors) => errors.clone(),
            Self::InvalidProof(error) => {
                vec![FieldError {
                    place: Place::Parameter("DPoP".to_owned()),
                    detail: error.to_string(),
                }]
            }
            _ => Vec::new(),
        };
        let holder = match &self {
            Self::Refused(Refusal::HostnameConflict(holder)) => Some(HolderView::new(holder)),
            _ => None,
        };
        let details = Details {
            r#type: format!("urn:muster:problem:{}", kind.code),
            title: kind.title,
            status: kind.status.as_u16(),
            code: kind.code,
            detail: kind.detail,
            errors,
            holder,
            request_id,
        };
        let body = serde_json::to_string(&details).unwrap_or_default();
        let mut response = Response::new(Body::Text(body));
        *response.status_mut() = kind.status;
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, "application/problem+json");
        set(header::CACHE_CONTROL, "no-store");
        match self {
            Self::Busy => {
                set(header::RETRY_AFTER, "1");
            }
            Self::InvalidProof(_) => {
                let challenge = "DPoP algs=\"EdDSA\", error=\"invalid_dpop_proof\"";
                set(header::WWW_AUTHENTICATE, challenge);
            }
            Self::NoProof => {
                set(header::WWW_AUTHENTICATE, "DPoP algs=\"EdDSA\"");
            }
            Self::Unauthenticated | Self::Refused(Refusal::InvalidToken) => {
                set(header::WWW_AUTHENTICATE, "Bearer");
            }
            Self::InvalidRequest(_)
            | Self::TooLarge
            | Self::NoPrincipal
            | Self::Refused(_)
            | Self::Internal(_) => {}
        }
        response
    }
}

fn refused(refusal: Refusal) -> (StatusCode, &'static str, &'static str, &'static str) {
    match refusal {
        Refusal::InvalidToken => (
            StatusCode::UNAUTHORIZED,
            "invalid-token",
            "This is no enrollment token",
            "Compare it with what was shown when it was made (enrt_ and 64 characters), or ask an \
             admin of the team for another; do not retry.",
        ),
        Refusal::TokenRevoked => (
            StatusCode::FORBIDDEN,
            "token-revoked",
            "The token was revoked",
            "Ask an admin of the team for another token; do not retry.",
        ),
        Refusal::TokenExpired => (
            StatusCode::FORBIDDEN,
            "token-expired",
            "The token has expired",
            "Ask an admin of the team for another token; do not retry.",
        ),
        Refusal::TokenExhausted => (
            StatusCode::FORBIDDEN,
            "token-exhausted",
            "All uses of the token are used up",
            "Ask an admin of the team for another token; do not retry.",
        ),
        Refusal::KindNotAllowed => (
            StatusCode::FORBIDDEN,
            "kind-not-allowed",
            "The token does not admit this kind of node",
            "Send another `kind`, or ask an admin of the team for a token that admits this one.",
        ),
        Refusal::KeyRequired => (
            StatusCode::FORBIDDEN,
            "key-required",
            "The token admits only a device with a key",
            "Prove a key of the device's own with a DPoP proof in the `DPoP` header.",
        ),
        Refusal::HostnameConflict(_) => (
            StatusCode::CONFLICT,
            "hostname-conflict",
            "The hostname belongs to another node",
            "Register with the key that the node has, choose another hostname, or ask an admin to \
             remove the node.",
        ),
        Refusal::Forbidden => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "Your role in the team does not suffice",
            "Ask an owner or admin of the team to do it, or to change your role.",
        ),
        Refusal::NotFound => (
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing, or it is not yours to see",
            "Check the path, and that you are a member of the team.",
        ),
        Refusal::LastOwner => (
            StatusCode::CONFLICT,
            "last-owner",
            "The team would be left without an owner",
            "Make another member an owner first.",
        ),
        Refusal::AlreadyMember => (
            StatusCode::CONFLICT,
            "already-member",
            "They are a member of the team already",
            "Change the role of the member instead.",
        ),
    }
}

#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<HolderView>,
    request_id: &'a str,
}
