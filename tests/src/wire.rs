//! The wire between the SDK and the engine.
//!
//! Everything that the store sends passes here, so a test can hold a request back, lose its answer,
//! cut the wire after so many writes, or let seeded faults happen to all of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use crate::faults::{self, Fault, Faults};
use crate::mutant::Mutant;

/// A call as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The operation, such as `TransactWriteItems`.
    pub operation: String,
    /// Its JSON.
    pub body: Value,
}

impl Sent {
    /// Whether it may change the table.
    pub fn writes(&self) -> bool {
        !matches!(
            self.operation.as_str(),
            "GetItem" | "BatchGetItem" | "TransactGetItems" | "Query"
        )
    }

    /// Whether its JSON contains `text`.
    pub fn mentions(&self, text: &str) -> bool {
        self.body.to_string().contains(text)
    }
}

type Which = Box<dyn Fn(&Sent) -> bool + Send>;

enum Trap {
    /// Hold the call back until it is released.
    Hold { arrived: oneshot::Sender<()>, release: Arc<Notify> },
    /// Apply the call and lose its answer.
    LoseAnswer,
    /// Lose the answer and the call, and carry the call later, when nobody waits for it any more.
    RepeatLater { arrived: oneshot::Sender<()>, release: Arc<Notify> },
    /// Answer with this status and JSON, and do not carry the call.
    Answer(u16, Value),
    /// Answer as if this key of a batch had not been got to.
    Unprocessed(String),
}

#[derive(Default)]
struct State {
    traps: Mutex<Vec<(Which, Trap)>>,
    faults: Mutex<Option<Faults>>,
    journal: Mutex<Vec<Sent>>,
    writes_left: Mutex<Option<usize>>,
    cut: AtomicBool,
    cut_now: Notify,
    forgetful: AtomicBool,
    passed: AtomicUsize,
}

/// A handle on the wire.
#[derive(Clone, Default)]
pub struct Wire {
    state: Arc<State>,
    mutant: Option<Mutant>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// A call that is being held back.
pub struct Held {
    arrived: oneshot::Receiver<()>,
    release: Arc<Notify>,
}

impl Held {
    /// Waits until there is a call to hold.
    pub async fn arrived(&mut self) {
        let arrived = tokio::time::timeout(Duration::from_secs(20), &mut self.arrived).await;
        arrived.expect("there is such a call").expect("the wire still carries");
    }

    /// Lets it go on.
    pub fn release(self) {
        self.release.notify_one();
    }
}

impl Wire {
    /// A wire that relieves writes of the condition that the environment names, if any.
    pub fn new() -> Self {
        Self { mutant: Mutant::from_environment(), ..Self::default() }
    }

    /// The client to give to the SDK.
    pub fn client(&self) -> SharedHttpClient {
        let wire = self.clone();
        let http = muster_shared::lambda::http();
        http_client_fn(move |settings, components| {
            use aws_smithy_runtime_api::client::http::HttpClient as _;
            let inner = http.http_connector(settings, components);
            SharedHttpConnector::new(Connector { inner, wire: wire.clone() })
        })
    }

    /// Holds the next call that `which` picks.
    pub fn hold(&self, which: impl Fn(&Sent) -> bool + Send + 'static) -> Held {
        let (sender, arrived) = oneshot::channel();
        let release = Arc::new(Notify::new());
        self.set(which, Trap::Hold { arrived: sender, release: Arc::clone(&release) });
        Held { arrived, release }
    }

    /// Loses the answer to the next call that `which` picks, which is applied.
    pub fn lose_answer(&self, which: impl Fn(&Sent) -> bool + Send + 'static) {
        self.set(which, Trap::LoseAnswer);
    }

    /// Loses the next call that `which` picks, and carries it when it is released.
    pub fn repeat_later(&self, which: impl Fn(&Sent) -> bool + Send + 'static) -> Held {
        let (sender, arrived) = oneshot::channel();
        let release = Arc::new(Notify::new());
        self.set(which, Trap::RepeatLater { arrived: sender, release: Arc::clone(&release) });
        Held { arrived, release }
    }

    /// Cancels the next transaction that `which` picks, with a code for each of its actions.
    pub fn cancel(&self, codes: &[&str], which: impl Fn(&Sent) -> bool + Send + 'static) {
        self.set(which, Trap::Answer(400, faults::cancellation(codes)));
    }

    /// Leaves the key whose sort key begins with `prefix` out of the next batch that has it.
    pub fn leave_unprocessed(&self, prefix: &'static str) {
        let has = move |sent: &Sent| sent.operation == "BatchGetItem" && sent.mentions(prefix);
        self.set(has, Trap::Unprocessed(prefix.to_owned()));
    }

    /// Lets the engine forget which transactions it has done, as after ten minutes, or remember it.
    pub fn set_forgetful(&self, forgetful: bool) {
        self.state.forgetful.store(forgetful, Ordering::SeqCst);
    }

    /// Cuts the wire after `writes` more writes; nothing passes until it is mended.
    pub fn cut_after(&self, writes: usize) {
        *self.state.writes_left.lock().unwrap() = Some(writes);
    }

    /// Waits until the wire is cut.
    pub async fn until_cut(&self) {
        self.state.cut_now.notified().await;
    }

    /// Mends the wire. Tells whether it was cut.
    pub fn mend(&self) -> bool {
        *self.state.writes_left.lock().unwrap() = None;
        self.state.cut.swap(false, Ordering::SeqCst)
    }

    /// Lets faults happen to every call, or ends that.
    pub fn set_faults(&self, faults: Option<Faults>) {
        *self.state.faults.lock().unwrap() = faults;
    }

    /// Everything sent since the last time this was asked.
    pub fn journal(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state.journal.lock().unwrap())
    }

    fn set(&self, which: impl Fn(&Sent) -> bool + Send + 'static, trap: Trap) {
        self.state.traps.lock().unwrap().push((Box::new(which), trap));
    }

    fn spring(&self, sent: &Sent) -> Option<Trap> {
        let mut traps = self.state.traps.lock().unwrap();
        let at = traps.iter().position(|(which, _)| which(sent))?;
        Some(traps.remove(at).1)
    }

    fn is_cut(&self, sent: &Sent) -> bool {
        if self.state.cut.load(Ordering::SeqCst) {
            return true;
        }
        let mut left = self.state.writes_left.lock().unwrap();
        match left.as_mut() {
            Some(0) if sent.writes() => {
                self.state.cut.store(true, Ordering::SeqCst);
                self.state.cut_now.notify_one();
                true
            }
            Some(left) if sent.writes() => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }
}

#[derive(Debug, Clone)]
struct Connector {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        // A task of its own: a call whose caller has given up goes on, as it does in a network.
        let call = tokio::spawn(async move { this.carry(request).await });
        HttpConnectorFuture::new(async move { call.await.unwrap_or_else(|_| Err(lost())) })
    }
}

impl Connector {
    async fn carry(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let sent = read(&request);
        self.wire.state.journal.lock().unwrap().push(sent.clone());
        let mut body = sent.body.clone();
        if let Some(mutant) = &self.wire.mutant {
            mutant.relieve(&mut body);
        }
        if self.wire.state.forgetful.load(Ordering::SeqCst)
            && let Some(request) = body.as_object_mut()
        {
            request.remove("ClientRequestToken");
        }
        let mut answer_lost = false;
        let mut unprocessed = None;
        match self.wire.spring(&sent) {
            Some(Trap::Hold { arrived, release }) => {
                let _ = arrived.send(());
                release.notified().await;
            }
            Some(Trap::LoseAnswer) => answer_lost = true,
            Some(Trap::RepeatLater { arrived, release }) => {
                let _ = arrived.send(());
                let inner = self.inner.clone();
                *request.body_mut() = SdkBody::from(body.to_string());
                let length = body.to_string().len().to_string();
                request.headers_mut().insert("content-length", length);
                tokio::spawn(async move {
                    release.notified().await;
                    let _ = inner.call(request).await;
                });
                return Err(lost());
            }
            Some(Trap::Answer(status, body)) => return Ok(answer(status, &body)),
            Some(Trap::Unprocessed(prefix)) => unprocessed = Some(prefix),
            None => {}
        }
        let fault = self.wire.state.faults.lock().unwrap().as_mut().and_then(|f| f.draw(&sent));
        match fault {
            Some(Fault::Answer(status, body)) => return Ok(answer(status, &body)),
            Some(Fault::RequestLost) => return Err(lost()),
            Some(Fault::AnswerLost) => answer_lost = true,
            Some(Fault::Unprocessed) => unprocessed = Some(String::new()),
            None => {}
        }
        if self.wire.is_cut(&sent) {
            return Err(lost());
        }
        let left_out = unprocessed.map(|prefix| leave_out(&mut body, &prefix));
        *request.body_mut() = SdkBody::from(body.to_string());
        let length = body.to_string().len().to_string();
        request.headers_mut().insert("content-length", length);
        self.wire.state.passed.fetch_add(1, Ordering::SeqCst);
        let response = self.inner.call(request).await?;
        if answer_lost {
            return Err(lost());
        }
        let Some(left_out) = left_out.filter(|left_out| !left_out.is_null()) else {
            return Ok(response);
        };
        let status = response.status();
        let bytes = ByteStream::new(response.into_body()).collect().await;
        let mut got: Value =
            serde_json::from_slice(&bytes.expect("a body").to_vec()).expect("JSON");
        got["UnprocessedKeys"] = left_out;
        Ok(answer(status.as_u16(), &got))
    }
}

fn read(request: &HttpRequest) -> Sent {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let body = request.body().bytes().unwrap_or_default();
    Sent { operation, body: serde_json::from_slice(body).unwrap_or_default() }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn lost() -> ConnectorError {
    ConnectorError::io("the wire is cut".into())
}

/// Takes the keys whose sort key begins with `prefix` out of a batch, but never all; gives them
/// back in the shape of `UnprocessedKeys`.
fn leave_out(body: &mut Value, prefix: &str) -> Value {
    let Some(tables) = body["RequestItems"].as_object_mut() else { return Value::Null };
    let Some((table, request)) = tables.iter_mut().next() else { return Value::Null };
    let keys = request["Keys"].as_array().cloned().unwrap_or_default();
    let begins = |key: &Value| key["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(prefix));
    let (mut out, mut left): (Vec<_>, Vec<_>) = keys.into_iter().partition(begins);
    if left.is_empty() {
        left.extend(out.pop());
    }
    if out.is_empty() {
        return Value::Null;
    }
    request["Keys"] = left.into();
    let mut unread = request.clone();
    unread["Keys"] = out.into();
    serde_json::json!({ table.clone(): unread })
}
