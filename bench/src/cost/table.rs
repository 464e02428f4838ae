//! DynamoDB as far away as it is: the embedded engine behind a wait, and what it says it consumed.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use muster_local::engine::Engine;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::item;
use super::prices::Assumptions;
use crate::Error;

/// What the calls of one invocation took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumed {
    /// How many there were.
    pub calls: u32,
    /// Read units.
    pub read_units: f64,
    /// Write units.
    pub write_units: f64,
    /// How long the function waited for them. Those that it had under way together count once.
    pub waited: Duration,
}

/// An endpoint before the embedded engine, which answers no sooner than DynamoDB would.
#[derive(Debug)]
pub struct Table {
    url: String,
    behind: Arc<Behind>,
    server: JoinHandle<()>,
}

impl Drop for Table {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct Behind {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
    assumptions: Assumptions,
    calls: Mutex<Vec<Call>>,
    largest: Mutex<BTreeMap<String, usize>>,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    arrived: Instant,
    left: Instant,
    latency: Duration,
    read_units: f64,
    write_units: f64,
}

impl Table {
    /// Opens a port before `engine`.
    pub async fn before(engine: &Engine, assumptions: Assumptions) -> Result<Self, Error> {
        let refused = |error| Error::System("no port for the table", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
        let url = format!("http://{}", listener.local_addr().map_err(refused)?);
        let behind = Arc::new(Behind {
            authority: engine.endpoint().trim_start_matches("http://").to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            assumptions,
            calls: Mutex::default(),
            largest: Mutex::default(),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&behind));
        let server = tokio::spawn(async move {
            // It runs until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, behind, server })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Bytes of the largest item of each kind that was put.
    pub fn largest(&self) -> BTreeMap<String, usize> {
        self.behind.largest.lock().map(|largest| largest.clone()).unwrap_or_default()
    }

    /// What was consumed since this was asked last.
    pub fn consumed(&self) -> Consumed {
        let calls = self.behind.calls.lock().map(|mut calls| std::mem::take(&mut *calls));
        consumed(calls.unwrap_or_default())
    }
}

fn consumed(mut calls: Vec<Call>) -> Consumed {
    calls.sort_by_key(|call| call.arrived);
    let mut sum = Consumed::default();
    let mut together: Option<(Instant, Duration)> = None;
    for call in calls {
        sum.calls += 1;
        sum.read_units += call.read_units;
        sum.write_units += call.write_units;
        together = Some(match together {
            Some((until, longest)) if call.arrived < until => {
                (until.max(call.left), longest.max(call.latency))
            }
            before => {
                sum.waited += before.map_or(Duration::ZERO, |(_, longest)| longest);
                (call.left, call.latency)
            }
        });
    }
    sum.waited += together.map_or(Duration::ZERO, |(_, longest)| longest);
    sum
}

async fn answer(State(behind): State<Arc<Behind>>, request: Request<Body>) -> Response<Body> {
    let arrived = Instant::now();
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or_default();
    let assumed = &behind.assumptions;
    let (reads, milliseconds) = match operation {
        "TransactWriteItems" => (false, assumed.transaction_ms.value),
        "TransactGetItems" => (true, assumed.transaction_ms.value),
        "PutItem" | "UpdateItem" | "DeleteItem" => (false, assumed.write_ms.value),
        _ => (true, assumed.read_ms.value),
    };
    let latency = Duration::from_secs_f64(milliseconds / 1e3);
    let Some(answer) = behind.forward(request).await else {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::BAD_GATEWAY;
        return answer;
    };
    tokio::time::sleep(latency.saturating_sub(arrived.elapsed())).await;
    let (head, body) = answer.into_parts();
    let units = units(&body);
    let (read_units, write_units) = if reads { (units, 0.0) } else { (0.0, units) };
    if let Ok(mut calls) = behind.calls.lock() {
        calls.push(Call { arrived, left: Instant::now(), latency, read_units, write_units });
    }
    Response::from_parts(head, Body::from(body))
}

impl Behind {
    /// Notes how large the items are that a request puts.
    fn note_items(&self, request: &[u8]) {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let actions = request.get("TransactItems").and_then(Value::as_array);
        let put = actions.into_iter().flatten().filter_map(|action| action.pointer("/Put/Item"));
        let items = put.chain(request.get("Item"));
        if let Ok(mut largest) = self.largest.lock() {
            for item in items {
                let bytes = item::bytes(item);
                let most = largest.entry(kind(item)).or_default();
                *most = bytes.max(*most);
            }
        }
    }

    async fn forward(&self, request: Request<Body>) -> Option<Response<Bytes>> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        self.note_items(&body);
        let body = Full::new(body);
        let uri = Uri::builder().scheme("http").authority(self.authority.as_str());
        head.uri = uri.path_and_query("/").build().ok()?;
        let (head, body) =
            self.client.request(Request::from_parts(head, body)).await.ok()?.into_parts();
        Some(Response::from_parts(head, body.collect().await.ok()?.to_bytes()))
    }
}

/// What kind of item it is, as its sort key says; a node with a key is a device.
fn kind(item: &Value) -> String {
    let text = |pointer| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/pk/S") == "REMOVALS" {
        return "unfinished removal".to_owned();
    }
    let kind = text("/sk/S").split('#').next().unwrap_or_default().to_ascii_lowercase();
    if kind == "node" && item.get("public_key").is_some() { "device".to_owned() } else { kind }
}

/// The capacity units that an answer says were consumed: of one table, or of a list of them.
fn units(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let of = |consumed: &Value| consumed.get("CapacityUnits").and_then(Value::as_f64);
    match answer.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => tables.iter().filter_map(of).sum(),
        table => table.and_then(of).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_together_is_waited_for_once() {
        let began = Instant::now();
        let ms = Duration::from_millis;
        let call = |arrived, latency| Call {
            arrived: began + ms(arrived),
            left: began + ms(arrived + latency),
            latency: ms(latency),
            read_units: 1.0,
            write_units: 0.0,
        };
        let alone = consumed(vec![call(0, 5), call(6, 12)]);
        assert_eq!((alone.calls, alone.waited), (2, ms(17)));
        let together = consumed(vec![call(0, 5), call(6, 12), call(1, 5), call(8, 5)]);
        assert_eq!((together.calls, together.waited), (4, ms(17)));
    }

    #[test]
    fn units_are_those_of_every_table() {
        let close = |json: &str, units_: f64| (units(json.as_bytes()) - units_).abs() < 1e-9;
        assert!(close(r#"{"ConsumedCapacity": {"CapacityUnits": 0.5}}"#, 0.5));
        assert!(close(r#"{"ConsumedCapacity": [{"CapacityUnits": 3.0}]}"#, 3.0));
        assert!(close("{}", 0.0));
    }
}
