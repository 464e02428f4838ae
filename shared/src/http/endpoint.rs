//! An endpoint: its route, who may call it, and what it does.

use std::pin::Pin;
use std::sync::Arc;

use lambda_http::http::Method;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use tokio::time::Instant;

use crate::metrics::{CODE, Metric, unless_zero};
use crate::store::{Store, WarmUp};

use super::call::{Call, Notes};
use super::problem::Problem;
use super::reply::Reply;

/// What an endpoint comes to.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Whoever has a JWT that the authorizer accepts.
    Jwt,
    /// Anyone.
    Anyone,
    /// Anyone; the endpoint itself asks for an enrollment token.
    EnrollmentToken,
    /// Anyone; the endpoint itself asks for a proof of a device's key.
    DeviceKey,
}

/// One function of the API.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The function's name, such as `create-token`.
    pub name: &'static str,
    /// The method it answers to.
    pub method: Method,
    /// The path it answers to, in API Gateway's spelling.
    pub path: &'static str,
    /// Who may call it.
    pub auth: Auth,
    /// What opens its connection.
    pub warm_up: WarmUp,
    /// What it does.
    pub handle: fn(Call) -> Outcome,
}

impl Endpoint {
    /// Answers one request, and tells the log so in one line.
    pub async fn answer(&self, store: &Store, request: Request) -> Response<Body> {
        let began = Instant::now();
        let request_id = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
            _ => None,
        };
        let request_id = request_id.unwrap_or_default();
        let session = store.request();
        let notes = Arc::new(Notes::default());
        let call = Call::new(request, Arc::clone(&session), Arc::clone(&notes));
        let outcome = (self.handle)(call).await;
        let (status, code) = match &outcome {
            Ok(reply) => (reply.status(), reply.outcome()),
            Err(problem) => (problem.status(), problem.code()),
        };
        match &outcome {
            Err(Problem::Internal(fault)) => {
                tracing::error!(request_id, %fault, "internal error");
            }
            Err(Problem::Busy) => {
                tracing::warn!(request_id, last_failure = session.unsettled(), "busy");
            }
            _ => {}
        }
        let refusal = status.is_client_error().then_some(code);
        let cost = session.cost();
        tracing::info!(
            route = format!("{} {}", self.method, self.path),
            team = notes.team.get().map(tracing::field::display),
            token = notes.token.get().map(tracing::field::display),
            status = status.as_u16(),
            outcome = code,
            ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id,
            { Metric::Enrollments.name() } = notes.enrollment.get().map(|()| 1),
            { Metric::Refusals.name() } = refusal.map(|_| 1),
            { CODE } = refusal,
            { Metric::ConflictRetries.name() } = unless_zero(cost.conflicts),
            { Metric::ReadUnits.name() } = unless_zero(cost.read_units),
            { Metric::WriteUnits.name() } = unless_zero(cost.write_units),
            "request"
        );
        match outcome {
            Ok(reply) => reply.into_response(),
            Err(problem) => problem.into_response(&request_id),
        }
    }
}
