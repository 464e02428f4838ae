//! DynamoDB's answers, the same every time, in place of a network.
//!
//! What the store writes while the table is filled is kept, so that what it reads afterwards is what
//! it wrote. From then on no answer changes, whatever is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// A table that remembers what was put into it, until it is fixed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<State>);

#[derive(Debug, Default)]
struct State {
    items: Mutex<HashMap<String, Value>>,
    sent: Mutex<HashMap<&'static str, Value>>,
    fixed: OnceLock<Fixed>,
}

/// What every request is answered with.
#[derive(Debug)]
struct Fixed {
    read: Vec<u8>,
    write: Vec<u8>,
}

/// The two calls of a registration.
pub(crate) const READ: &str = "BatchGetItem";
pub(crate) const WRITE: &str = "TransactWriteItems";

impl Answers {
    /// The client to give to the SDK.
    pub(crate) fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// What was last sent in a call of this operation.
    pub(crate) fn sent(&self, operation: &str) -> Value {
        let sent = self.0.sent.lock().map(|sent| sent.get(operation).cloned());
        sent.ok().flatten().unwrap_or_default()
    }

    /// From now on, every read is answered as the last one would be, and every write goes through.
    pub(crate) fn fix(&self) {
        let read = self.read(&self.sent(READ)).to_string().into_bytes();
        let consumed = json!([{ "TableName": "muster", "CapacityUnits": 4.0 }]);
        let write = json!({ "ConsumedCapacity": consumed }).to_string().into_bytes();
        // It is fixed once.
        let _ = self.0.fixed.set(Fixed { read, write });
    }

    fn answer(&self, request: &HttpRequest) -> Option<Vec<u8>> {
        let target = request.headers().get("x-amz-target")?;
        let operation = target.rsplit('.').next()?;
        if let Some(fixed) = self.0.fixed.get() {
            return Some(if operation == READ { fixed.read.clone() } else { fixed.write.clone() });
        }
        let body: Value = serde_json::from_slice(request.body().bytes()?).ok()?;
        let answer = match operation {
            READ => {
                self.0.sent.lock().ok()?.insert(READ, body.clone());
                self.read(&body)
            }
            "GetItem" => {
                let items = self.0.items.lock().ok()?;
                json!({ "Item": items.get(&key(body.get("Key")?)?) })
            }
            WRITE => {
                let mut items = self.0.items.lock().ok()?;
                for action in body.get("TransactItems")?.as_array()? {
                    if let Some(item) = action.pointer("/Put/Item") {
                        items.insert(key(item)?, item.clone());
                    }
                }
                self.0.sent.lock().ok()?.insert(WRITE, body);
                json!({})
            }
            _ => return None,
        };
        Some(answer.to_string().into_bytes())
    }

    /// Takes out what was put there under this sort key.
    pub(crate) fn forget(&self, sort_key: &str) {
        if let Ok(mut items) = self.0.items.lock() {
            items.retain(|key, _| !key.ends_with(sort_key));
        }
    }

    fn read(&self, batch: &Value) -> Value {
        let keys = batch.pointer("/RequestItems/muster/Keys").and_then(Value::as_array);
        let found: Vec<Value> = match self.0.items.lock() {
            Ok(items) => keys
                .into_iter()
                .flatten()
                .filter_map(|wanted| items.get(&key(wanted)?).cloned())
                .collect(),
            Err(_) => Vec::new(),
        };
        let consumed = json!([{ "TableName": "muster", "CapacityUnits": 3.0 }]);
        json!({
            "Responses": { "muster": found }, "UnprocessedKeys": {}, "ConsumedCapacity": consumed
        })
    }
}

fn key(item: &Value) -> Option<String> {
    let part = |name: &str| item.pointer(&format!("/{name}/S")).and_then(Value::as_str);
    Some(format!("{} {}", part("pk")?, part("sk")?))
}

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answered = self
            .answer(&request)
            .ok_or_else(|| ConnectorError::other("a request that nobody expected".into(), None));
        HttpConnectorFuture::ready(answered.and_then(|body| {
            let ok =
                StatusCode::try_from(200).map_err(|e| ConnectorError::other(e.into(), None))?;
            let mut response = HttpResponse::new(ok, SdkBody::from(body));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Ok(response)
        }))
    }
}
