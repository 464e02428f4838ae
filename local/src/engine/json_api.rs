//! DynamoDB's API in its own JSON, for what stands in JSON already: the table's definition, and the
//! records of its stream, which Lambda hands over as the API has them.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer; a page of a stream has 1 MB at most, in more bytes of JSON.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Engines that serve several regions and services read from it which is meant. None here checks
/// who calls.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, \
                             SignedHeaders=host, Signature=0";

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer is an error.
    #[error("{code}: {message}")]
    Refused {
        /// Its code, such as `ResourceNotFoundException`.
        code: String,
        /// What it says.
        message: String,
    },
}

impl CallError {
    /// Whether it has this code.
    pub(crate) fn is(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }
}

/// The API of the engine at a URL.
#[derive(Clone)]
pub(crate) struct JsonApi {
    endpoint: String,
    http: Client<HttpConnector, Body>,
}

impl JsonApi {
    pub(crate) fn new(endpoint: &str) -> Self {
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { endpoint: endpoint.to_owned(), http }
    }

    /// Calls an operation, such as `DynamoDB_20120810.CreateTable`.
    pub(crate) async fn call(&self, target: &str, request: &Value) -> Result<Value, CallError> {
        let (ok, body) = tokio::time::timeout(TIMEOUT, self.post(target, request))
            .await
            .map_err(|_| CallError::NoAnswer(format!("no answer in {TIMEOUT:?}")))??;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|error| CallError::NoAnswer(format!("no JSON in the answer: {error}")))?;
        if ok {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
        let message = format!("{}{}", text("message"), text("Message"));
        Err(CallError::Refused { code, message })
    }

    async fn post(&self, target: &str, request: &Value) -> Result<(bool, Bytes), CallError> {
        let lost = |error: &dyn Error| CallError::NoAnswer(cause(error));
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(Body::from(request.to_string()))
            .map_err(|error| lost(&error))?;
        let (head, body) = self.http.request(request).await.map_err(|e| lost(&e))?.into_parts();
        let body = axum::body::to_bytes(Body::new(body), ANSWER_BYTES).await;
        Ok((head.status.is_success(), body.map_err(|error| lost(&error))?))
    }
}

/// What an error comes from: the client's own says no more than that it could not connect.
fn cause(mut error: &dyn Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
