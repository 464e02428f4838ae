//! The server that hands events to a function: Lambda's runtime API, for one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::Error;

const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:bench";
/// How long a function has for one event, as the template gives it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the function did.
#[derive(Debug)]
pub enum Did {
    /// It asked for an event.
    Ask,
    /// It was handed one.
    Take,
    /// It posted its answer.
    Answer(Bytes),
    /// It reported an error instead.
    Fail(String),
}

/// A runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Bytes>,
    done: mpsc::UnboundedReceiver<(Instant, Did)>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    done: mpsc::UnboundedSender<(Instant, Did)>,
}

impl Shared {
    fn tell(&self, did: Did) {
        // Nobody listens any more once the measurement is over.
        let _ = self.done.send((Instant::now(), did));
    }
}

impl RuntimeApi {
    /// A runtime API on a free port of loopback.
    pub async fn start() -> Result<Self, Error> {
        let refused = |error| Error::System("no port for the runtime API", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (events, to_hand_out) = mpsc::unbounded_channel();
        let (tell, done) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Mutex::new(to_hand_out), done: tell });
        let version = "/2018-06-01/runtime";
        let app = Router::new()
            .route(&format!("{version}/invocation/next"), get(next))
            .route(&format!("{version}/invocation/{{id}}/response"), post(response))
            .route(&format!("{version}/invocation/{{id}}/error"), post(error))
            .route(&format!("{version}/init/error"), post(init_error))
            .with_state(shared);
        let server = tokio::spawn(async move {
            // It runs until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, events, done, server })
    }

    /// Where it listens, as `AWS_LAMBDA_RUNTIME_API` has it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands out an event to whoever asks next.
    pub fn hand_out(&self, event: Bytes) {
        // The server has the other end.
        let _ = self.events.send(event);
    }

    /// What the function does next, and when.
    pub async fn next(&mut self) -> Option<(Instant, Did)> {
        self.done.recv().await
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.tell(Did::Ask);
    let Some(event) = shared.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    #[expect(clippy::disallowed_methods, reason = "the deadline is a point in time")]
    let deadline = std::time::SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", ARN.to_owned()),
        ("lambda-runtime-trace-id", "Root=1-70dbd880-4f2c1b7a9d3e5f60718293a4".to_owned()),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), value));
    shared.tell(Did::Take);
    (axum::response::AppendHeaders(headers), event).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(_): Path<String>,
    body: Bytes,
) -> StatusCode {
    shared.tell(Did::Answer(body));
    StatusCode::ACCEPTED
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(_): Path<String>,
    body: Bytes,
) -> StatusCode {
    shared.tell(Did::Fail(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.tell(Did::Fail(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}
