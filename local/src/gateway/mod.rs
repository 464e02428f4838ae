//! What stands in for API Gateway: it finds the endpoint, lets the authorizer verify the JWT, makes
//! the event that the endpoint's function would get, and turns the answer back into HTTP.

mod authorizer;
mod dev;
mod event;
mod host;
mod refusal;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use lambda_http::Body as FunctionBody;
use lambda_http::request::LambdaRequest;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::environment::Environment;
use muster_shared::http::{Auth, Endpoint, event as shared_event};
use muster_shared::store::Store;

use crate::error::StartError;
use crate::issuer::Issuer;

use authorizer::Authorizer;
pub use authorizer::Claims;
use event::{Event, Incoming};
use refusal::Refused;
use routes::Routes;

/// Bytes that API Gateway takes of a body.
const BODY_BYTES: usize = 10 * 1024 * 1024;
/// Bytes that it takes of the request line and the headers together.
const HEAD_BYTES: usize = 10_240;
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

/// The API's front.
pub(crate) struct Gateway {
    routes: Routes,
    authorizer: Authorizer,
    store: Store,
    /// Names requests. It is never the one of a test: there, two that are alike must not be taken
    /// for one.
    system: Environment,
    port: u16,
}

impl Gateway {
    pub(crate) fn new(store: Store, issuer: &Issuer, port: u16) -> Result<Self, StartError> {
        Ok(Self {
            routes: Routes::new(crate::endpoints())?,
            authorizer: Authorizer::new(issuer, Arc::clone(&store.environment().clock)),
            store,
            system: Environment::system(),
            port,
        })
    }

    /// Everything that is served.
    pub(crate) fn router(self, issuer: Arc<Issuer>) -> Router {
        Router::new()
            .fallback(serve)
            .with_state(Arc::new(self))
            .merge(dev::router(issuer))
            .layer(middleware::from_fn(host::check))
    }

    async fn answer(
        &self,
        request_id: &str,
        peer: SocketAddr,
        parts: &Parts,
        body: Body,
    ) -> Result<Response, Refused> {
        if head_bytes(parts) > HEAD_BYTES {
            return Err(Refused::HeadTooLarge);
        }
        let found = self.routes.find(&parts.method, parts.uri.path());
        let found = found.ok_or(Refused::NotFound)?;
        let claims = match found.endpoint.auth {
            Auth::Jwt => Some(self.authorizer.authorize(&parts.headers)?),
            Auth::Anyone | Auth::EnrollmentToken | Auth::DeviceKey => None,
        };
        let body = read(body).await?;
        let incoming = Incoming {
            parts,
            body: &body,
            found: &found,
            claims,
            peer,
            port: self.port,
            request_id,
            at: self.store.environment().clock.now(),
        };
        let event = serde_json::to_string(&Event::new(&incoming)).map_err(|_| Refused::Broken)?;
        run(found.endpoint, self.store.clone(), event).await
    }
}

/// Reads a body, unless it says beforehand that it is too long.
async fn read(body: Body) -> Result<Bytes, Refused> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|bytes| bytes > BODY_BYTES) {
        return Err(Refused::BodyTooLarge);
    }
    axum::body::to_bytes(body, BODY_BYTES).await.map_err(|_| Refused::BodyTooLarge)
}

/// Runs the endpoint as its function would: from the event's text, to its end even if the caller
/// goes away, and without taking anything else down if it dies.
async fn run(
    endpoint: &'static Endpoint,
    store: Store,
    event: String,
) -> Result<Response, Refused> {
    let function = tokio::spawn(async move {
        let event: LambdaRequest = serde_json::from_str(&event)?;
        Ok::<_, serde_json::Error>(endpoint.answer(&store, shared_event::request(event)).await)
    });
    match function.await {
        Ok(Ok(answer)) => Ok(answer.map(|body| match body {
            FunctionBody::Text(text) => text.into(),
            FunctionBody::Binary(bytes) => bytes.into(),
            _ => Body::empty(),
        })),
        Ok(Err(error)) => {
            tracing::error!(%error, "the event can't be read");
            Err(Refused::Broken)
        }
        Err(error) => {
            tracing::error!(%error, "the function died");
            Err(Refused::Broken)
        }
    }
}

/// The way from a request to its function's event for those who run functions by other means than
/// a gateway that listens.
pub struct Front(Routes);

impl Front {
    /// The front of all endpoints.
    pub fn new() -> Result<Self, StartError> {
        Ok(Self(Routes::new(crate::endpoints())?))
    }

    /// The endpoint that a request is for, and the event that its function gets once the authorizer
    /// has taken `claims` from its JWT. `None` if there is no such route.
    pub fn event(
        &self,
        parts: &Parts,
        body: &[u8],
        claims: Option<Claims>,
        request_id: &str,
        at: Timestamp,
    ) -> Option<(&'static Endpoint, String)> {
        let found = self.0.find(&parts.method, parts.uri.path())?;
        let peer = SocketAddr::from(([192, 0, 2, 1], 0));
        let incoming =
            Incoming { parts, body, found: &found, claims, peer, port: 443, request_id, at };
        Some((found.endpoint, serde_json::to_string(&Event::new(&incoming)).ok()?))
    }
}

async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let mut id = [0; 12];
    gateway.system.entropy.fill(&mut id);
    let id = BASE64URL_NOPAD.encode(&id);
    let (parts, body) = request.into_parts();
    let mut response = match gateway.answer(&id, peer, &parts, body).await {
        Ok(response) => response,
        Err(refused) => {
            // Of the request only the method: a plaintext may stand anywhere in the rest by mistake.
            tracing::info!(
                method = %parts.method,
                status = refused.status().as_u16(),
                reason = %refused,
                request_id = id,
                "refused before it reached a function"
            );
            refused.into_response()
        }
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn head_bytes(parts: &Parts) -> usize {
    let uri = parts.uri.path_and_query().map_or(0, |uri| uri.as_str().len());
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    parts.method.as_str().len() + uri + headers.sum::<usize>()
}
