//! The network between functions and DynamoDB: the SDK's HTTP client, replaced.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use crate::chance::Chance;
use crate::clock::Time;
use crate::dynamodb::{DynamoDb, Item, Key, Origin, Refused};
use crate::history::History;
use crate::mutation::Mutation;
use crate::weather::Weather;

tokio::task_local! {
    /// On whose behalf the task calls, and as which function.
    pub static ORIGIN: (Origin, &'static str);
}

/// How long a call lasts that nobody answers, for whoever waits that long.
const FOREVER: Duration = Duration::from_mins(1);

/// How long a call takes that is in trouble.
const LONG: Duration = Duration::from_secs(1);

/// The network of a world.
pub struct Network {
    /// What it leads to.
    pub dynamodb: Arc<DynamoDb>,
    /// The world's time.
    pub time: Time,
    /// What chance it has.
    pub chance: Chance,
    /// What goes wrong in it.
    pub weather: Arc<Weather>,
    /// What takes note of it.
    pub history: Arc<History>,
    /// What is taken out of the calls it carries.
    pub mutation: Option<Mutation>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    /// The client to give to the SDK.
    pub fn client(self: &Arc<Self>) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(Connector(Arc::clone(self)));
        http_client_fn(move |_, _| connector.clone())
    }
}

#[derive(Debug, Clone)]
struct Connector(Arc<Network>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let network = Arc::clone(&self.0);
        let (origin, function) = ORIGIN.try_with(|origin| *origin).unwrap_or((0, "nobody"));
        let history = Arc::clone(&network.history);
        // A task of its own: a call whose caller is gone goes on, as it does in a network. Writing the
        // answer is none of the caller's work.
        let call = tokio::spawn(async move {
            let done = network.carry(origin, function, request).await?;
            Some((member_in(&done), answer(done)))
        });
        HttpConnectorFuture::new(async move {
            let (member, answer) = call.await.ok().flatten().ok_or_else(lost)?;
            if let Some((key, item)) = member {
                history.hear(origin, key, item);
            }
            answer
        })
    }
}

impl Network {
    async fn carry(
        &self,
        origin: Origin,
        function: &'static str,
        request: HttpRequest,
    ) -> Option<Result<Value, Refused>> {
        let mut deliver = pin!(self.deliver(origin, function, request));
        let (done, long) = match tokio::time::timeout(LONG, &mut deliver).await {
            Ok(done) => (done, None),
            Err(_) => {
                let long = self.history.trouble(origin);
                (deliver.await, Some(long))
            }
        };
        if long.is_some() || done.as_ref().is_none_or(is_trouble) {
            self.history.over(long.unwrap_or_else(|| self.history.trouble(origin)));
        }
        done
    }

    /// What DynamoDB says; `None` if nothing comes back.
    async fn deliver(
        &self,
        origin: Origin,
        function: &'static str,
        request: HttpRequest,
    ) -> Option<Result<Value, Refused>> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        let deep = self.history.sent(origin, &operation, &body);
        if let Some(mutation) = &self.mutation {
            mutation.apply(&operation, &mut body);
        }
        let step = format!("{function} {operation}");
        let strikes = |share, fault| {
            let strikes = self.weather.strikes(&self.chance, share, self.time.elapsed());
            if strikes {
                self.history.met(fault, &step);
            }
            strikes
        };
        let more = if operation == "TransactWriteItems" { 7.0 } else { 1.0 };
        let sweeps_slowly =
            function == "member-cascade" && self.chance.happens(self.weather.slow_sweeps * more);
        if sweeps_slowly || strikes(self.weather.slow, "slow") {
            tokio::time::sleep(self.chance.time(Duration::ZERO, Duration::from_secs(4))).await;
        }
        if strikes(self.weather.request_lost, "request lost") {
            self.silence().await;
            return None;
        }
        if strikes(self.weather.server_error, "500") {
            return Some(Err(Refused::internal()));
        }
        if strikes(self.weather.throttled, "throttled") {
            return Some(Err(Refused::throttled()));
        }
        let is_refused = Arc::new(AtomicBool::new(false));
        if operation == "TransactWriteItems"
            && strikes(self.weather.delivered_twice, "delivered twice")
        {
            let (dynamodb, again) = (Arc::clone(&self.dynamodb), body.clone());
            let later = self.chance.time(Duration::ZERO, Duration::from_secs(1));
            let is_refused = Arc::clone(&is_refused);
            tokio::spawn(async move {
                tokio::time::sleep(later).await;
                // Nothing on the way sends again what was refused.
                if !is_refused.load(Ordering::Relaxed) {
                    let _ = dynamodb.call(origin, "TransactWriteItems", again).await;
                }
            });
        }
        let done = self.dynamodb.call(origin, &operation, body).await;
        is_refused.store(done.is_err(), Ordering::Relaxed);
        self.history.done(origin, &operation, deep, &done);
        if strikes(self.weather.answer_lost, "answer lost") {
            self.silence().await;
            return None;
        }
        if strikes(self.weather.error_though_applied, "500 though applied") {
            return Some(Err(Refused::internal()));
        }
        Some(done)
    }

    /// No answer: the connection breaks at once, or nobody hears anything any more.
    async fn silence(&self) {
        if self.chance.happens(0.5) {
            tokio::time::sleep(FOREVER).await;
        }
    }
}

/// Whether a call has to be made again, though nothing has changed that was read.
fn is_trouble(done: &Result<Value, Refused>) -> bool {
    let body = match done {
        Ok(body) => {
            let unread = body.get("UnprocessedKeys").and_then(Value::as_object);
            return unread.is_some_and(|unread| !unread.is_empty());
        }
        Err(refused) => &refused.body,
    };
    let reasons = body.get("CancellationReasons").and_then(Value::as_array);
    let codes = reasons.into_iter().flatten().filter_map(|reason| reason.get("Code")?.as_str());
    let codes: Vec<_> = codes.filter(|code| *code != "None").collect();
    codes.is_empty() || codes.iter().any(|code| *code != "ConditionalCheckFailed")
}

/// The member that was read, if one was.
fn member_in(done: &Result<Value, Refused>) -> Option<(Key, Item)> {
    let item = done.as_ref().ok()?.get("Item")?.as_object()?;
    let key = Key::of(item).filter(|key| key.sk.starts_with("MEMBER#"))?;
    Some((key, item.clone()))
}

fn answer(done: Result<Value, Refused>) -> Result<HttpResponse, ConnectorError> {
    let (status, body) = match done {
        Ok(body) => (200, body),
        Err(refused) => (refused.status, refused.body),
    };
    let status = StatusCode::try_from(status).map_err(|e| ConnectorError::other(e.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}

fn lost() -> ConnectorError {
    ConnectorError::io("the connection is gone".into())
}
