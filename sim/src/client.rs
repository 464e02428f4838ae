//! Clients: people and machines that ask, wait, and ask again as the documentation tells them to.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use lambda_http::Body;
use lambda_http::http::{Method, Request as HttpRequest, request::Parts};
use lambda_http::request::LambdaRequest;
use muster_local::gateway::{Claims, Front};
use muster_shared::environment::Entropy as _;
use muster_shared::http::event;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::chance::Chance;
use crate::clock::Time;
use crate::history::{Answer, History};
use crate::lambda::{Failed, Lambda};
use crate::request::Request;
use crate::weather::Weather;

/// What a function of the API may take, as in the template.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a client waits at most before it asks again, as infra/openapi.yaml tells it to: the
/// first twenty times, and then twice as long with every time.
const PAUSE: Duration = Duration::from_secs(1);
const SHORT_PAUSES: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What `Retry-After` says.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The way from a client to its function, or back.
const HOP: Duration = Duration::from_millis(8);
const HOST: &str = "muster.example.com";

/// The API as clients see it.
pub struct Api {
    /// The functions behind it.
    pub lambda: Arc<Lambda>,
    /// The way to them.
    pub front: Front,
    /// The world's time.
    pub time: Time,
    /// What chance clients have.
    pub chance: Chance,
    /// What goes wrong on their way.
    pub weather: Arc<Weather>,
    /// What takes note.
    pub history: Arc<History>,
}

impl Api {
    /// Asks until there is a final answer, or `tries` were made.
    pub async fn ask(self: &Arc<Self>, request: Request, tries: u32) -> Option<Answer> {
        let number = self.history.request(request.clone());
        for n in 0..tries {
            let attempt = self.history.send(number);
            self.history.say(|| format!("{attempt} {request}"));
            let (api, asked) = (Arc::clone(self), request.clone());
            // It goes on if the client does not wait for it.
            let exchange = tokio::spawn(async move { api.exchange(attempt, &asked).await });
            let now = self.time.elapsed();
            let patience = if self.weather.strikes(&self.chance, self.weather.impatient, now) {
                self.chance.time(Duration::ZERO, Duration::from_secs(3))
            } else {
                PATIENCE
            };
            let answer = tokio::time::timeout(patience, exchange).await;
            let mut least = Duration::ZERO;
            if let Ok(Ok(Some(answer))) = answer {
                self.history.say(|| format!("{attempt} = {} {}", answer.status, answer.code()));
                self.history.answer(attempt, answer.clone());
                if answer.is_final() {
                    return Some(answer);
                }
                if answer.code() == "busy" {
                    least = RETRY_AFTER;
                }
            } else {
                self.history.say(|| format!("{attempt} = nothing"));
            }
            let doubled = (n + 1).saturating_sub(SHORT_PAUSES).min(8);
            let longest = PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE);
            tokio::time::sleep(least + self.chance.time(Duration::ZERO, longest)).await;
        }
        None
    }

    /// One attempt, from the client to the function and back.
    async fn exchange(&self, attempt: u64, request: &Request) -> Option<Answer> {
        let (parts, body, claims) = self.put_together(request)?;
        let id = format!("request-{attempt}");
        let at = Time::second(self.time.elapsed());
        let (endpoint, sent) = self.front.event(&parts, &body, claims, &id, at)?;
        self.hop().await;
        if self.is_cut_off("request of a client lost", endpoint.name) {
            return None;
        }
        let run = async |store| {
            let event: LambdaRequest = serde_json::from_str(&sent).ok()?;
            Some(endpoint.answer(&store, event::request(event)).await)
        };
        let answer = self.lambda.invoke(endpoint.name, attempt, FUNCTION_TIMEOUT, run).await;
        self.hop().await;
        // API Gateway's own answers when a function fails, or can't be invoked.
        let own = |status| Some(Answer { status, body: Value::Null });
        let answer = match answer {
            Ok(answer) => answer,
            Err(Failed::Throttled) => return own(429),
            Err(Failed::Killed | Failed::TimedOut) => return own(500),
        };
        if self.is_cut_off("answer to a client lost", endpoint.name) {
            return None;
        }
        let (head, body) = answer?.into_parts();
        let body = match body {
            Body::Text(text) => serde_json::from_str(&text).unwrap_or_default(),
            _ => Value::Null,
        };
        Some(Answer { status: head.status.as_u16(), body })
    }

    async fn hop(&self) {
        tokio::time::sleep(self.chance.about(HOP, 0.5)).await;
    }

    fn is_cut_off(&self, fault: &'static str, function: &str) -> bool {
        let now = self.time.elapsed();
        let is = self.weather.strikes(&self.chance, self.weather.client_cut_off, now);
        if is {
            self.history.met(fault, function);
        }
        is
    }

    fn put_together(&self, request: &Request) -> Option<(Parts, Vec<u8>, Option<Claims>)> {
        let (method, path, body) = request.http();
        let mut http = HttpRequest::builder()
            .method(&method)
            .uri(&path)
            .header("host", HOST)
            .header("content-type", "application/json");
        if let Some(key) = request.key() {
            let token = body.get("token").and_then(Value::as_str);
            http = http.header("dpop", self.proof(key, &method, &path, token));
        }
        let claims = request.by.as_ref().map(|who| {
            let claims =
                [("sub", "1"), ("email", who), ("email_verified", "true"), ("token_use", "id")];
            claims.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let (parts, ()) = http.body(()).ok()?.into_parts();
        Some((parts, body, claims))
    }

    /// A proof that a device holds its key (RFC 9449).
    fn proof(&self, key: u8, method: &Method, path: &str, token: Option<&str>) -> String {
        let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&[key; 32]) else {
            return String::new();
        };
        let mut jti = [0; 12];
        self.chance.fill(&mut jti);
        let header = json!({
            "typ": "dpop+jwt", "alg": "EdDSA",
            "jwk": {
                "kty": "OKP", "crv": "Ed25519",
                "x": BASE64URL_NOPAD.encode(pair.public_key().as_ref()),
            },
        });
        let path = path.split('?').next().unwrap_or_default();
        let ath = token.map(|token| BASE64URL_NOPAD.encode(&Sha256::digest(token.as_bytes())));
        let mut claims = json!({
            "jti": BASE64URL_NOPAD.encode(&jti),
            "htm": method.as_str(),
            "htu": format!("http://{HOST}{path}"),
            "iat": Time::second(self.time.elapsed()).as_unix(),
        });
        if let (Some(claims), Some(ath)) = (claims.as_object_mut(), ath) {
            claims.insert("ath".to_owned(), ath.into());
        }
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64URL_NOPAD.encode(pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}
