//! The API at a base URL, and the people who call it.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_http::http::{self, HeaderMap, HeaderName, HeaderValue, Method, Uri};
use muster_shared::environment::Environment;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::contract::{Exchange, contract};
use super::team::{Made, Team};

const TIMEOUT: Duration = Duration::from_secs(30);

type Http = legacy::Client<HttpConnector, Full<Cursor<Vec<u8>>>>;

/// The API at a base URL, and the development issuer of those who call it.
#[derive(Clone)]
pub(crate) struct Api {
    base: Arc<str>,
    issuer: Arc<str>,
    http: Http,
}

impl Api {
    /// The API at `base`, such as `http://127.0.0.1:8000`, and the issuer that it trusts.
    pub(crate) fn new(base: &str, issuer: &str) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { base: base.into(), issuer: issuer.into(), http }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request without credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        self.request_to(method, self.url(path))
    }

    fn request_to(&self, method: Method, url: String) -> Request {
        let http = self.http.clone();
        Request { http, method, url, headers: HeaderMap::new(), body: Vec::new() }
    }

    fn issuer(&self, method: Method, path: &str) -> Request {
        self.request_to(method, format!("{}{path}", self.issuer))
    }

    /// The issuer's public keys.
    pub(crate) async fn issuers_keys(&self) -> Answer {
        self.issuer(Method::GET, "/.well-known/jwks.json").send().await
    }

    /// A token of the issuer with these claims besides those that all of its tokens have, which
    /// they replace.
    pub(crate) async fn token_with(&self, claims: &Value) -> String {
        let signed = self.issuer(Method::POST, "/dev/token").json(claims).send().await.of(200);
        signed["token"].as_str().unwrap().to_owned()
    }

    /// Somebody who has never been here, signed in.
    pub(crate) async fn newcomer(&self, name: &str) -> Person {
        let mut bytes = [0; 6];
        Environment::system().entropy.fill(&mut bytes);
        let unique = data_encoding::HEXLOWER.encode(&bytes);
        self.sign_in(&format!("{name}.{unique}@example.com")).await
    }

    /// A person, with an ID token of the issuer that the system trusts.
    pub(crate) async fn sign_in(&self, email: &str) -> Person {
        let path = format!("/dev/token?email={}", encoded(email));
        let token = self.issuer(Method::GET, &path).send().await.of(200);
        let jwt = token["id_token"].as_str().unwrap().to_owned();
        Person { api: self.clone(), email: email.to_owned(), jwt }
    }

    /// A machine client, with its client-credentials token.
    pub(crate) async fn client(&self, name: &str) -> Person {
        let path = format!("/dev/token?client={}", encoded(name));
        let token = self.issuer(Method::GET, &path).send().await.of(200);
        let jwt = token["access_token"].as_str().unwrap().to_owned();
        Person { api: self.clone(), email: format!("client:{name}"), jwt }
    }

    /// What a machine says that presents a token and reports so much of itself.
    pub(crate) fn register(&self, made: &Made, report: Value) -> Request {
        let mut body = json!({ "token": made.plaintext });
        let Value::Object(report) = report else { panic!("a report is an object") };
        body.as_object_mut().unwrap().extend(report);
        self.register_with(&body)
    }

    /// A registration with this body and nothing else.
    pub(crate) fn register_with(&self, body: &Value) -> Request {
        self.request(Method::POST, "/api/register-node").json(body)
    }
}

/// Where a URL leads, and what its host is called: names under `localhost` are this machine's
/// (RFC 6761, 6.3), which not every resolver knows.
fn on_loopback(url: &str) -> (Uri, HeaderValue) {
    let uri: Uri = url.parse().unwrap();
    let mut parts = uri.into_parts();
    let named = parts.authority.take().unwrap();
    let host = HeaderValue::from_str(named.as_str()).unwrap();
    let led = match named.port() {
        Some(port) if named.host().ends_with(".localhost") => format!("127.0.0.1:{port}"),
        _ => named.to_string(),
    };
    parts.authority = Some(led.parse().unwrap());
    (Uri::from_parts(parts).unwrap(), host)
}

/// A text as one segment of a path, or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) api: Api,
    /// Their address, or a machine client's principal.
    pub(crate) email: String,
    pub(crate) jwt: String,
}

impl Person {
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        self.api.request(method, path).bearer(&self.jwt)
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Request {
        self.request(Method::POST, path).json(body)
    }

    /// Makes a team.
    pub(crate) async fn makes_a_team(&self) -> Team {
        let team = self.post("/api/teams", &json!({ "name": "Example" })).send().await.of(201);
        Team::of(self, team["id"].as_str().unwrap())
    }
}

/// A request being put together.
#[derive(Clone)]
pub(crate) struct Request {
    http: Http,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    /// One more header, with whatever bytes HTTP lets through.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    #[must_use]
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    #[must_use]
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    #[must_use]
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.headers.insert("content-type", HeaderValue::from_static("application/json"));
        self.body(body.to_string())
    }

    /// Sends it. It can be sent again.
    pub(crate) async fn send(&self) -> Answer {
        self.exchange().await.checked()
    }

    /// Sends it, again and again while the service is busy, as the service asks its callers to.
    pub(crate) async fn insist(&self) -> Answer {
        for _ in 0..20 {
            let answer = self.exchange().await;
            if answer.status != 503 {
                return answer.checked();
            }
            answer.problem(503, "busy");
            let wait = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
            let wait = wait.unwrap_or_else(|| panic!("busy, and for how long? {answer:?}"));
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
        panic!("busy, over and over: {} {}", self.method, self.url)
    }

    async fn exchange(&self) -> Answer {
        let (uri, host) = on_loopback(&self.url);
        let mut request = http::Request::builder().method(self.method.clone()).uri(uri);
        let headers = request.headers_mut().unwrap();
        headers.insert("host", host);
        headers.extend(self.headers.clone());
        let request = request.body(Full::new(Cursor::new(self.body.clone()))).unwrap();
        let answered = async {
            let (head, body) = self.http.request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let asked = format!("{} {}", self.method, self.url);
            let answer = Answer::new(asked, head.status, head.headers, body.into());
            self.check(&answer);
            answer
        };
        tokio::time::timeout(TIMEOUT, answered).await.expect("an answer in time")
    }

    /// Holds what was sent and answered to the API's document.
    fn check(&self, answer: &Answer) {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        let operation = contract().operation(self.method.as_str(), &format!("/{path}"));
        // What has no route is API Gateway's or the development issuer's to answer.
        let Some(operation) = operation else { return };
        let exchange = Exchange {
            sent: Some(&self.body),
            status: answer.status,
            headers: &answer.headers,
            answer: &answer.body(),
        };
        contract().check(operation, &exchange);
    }
}
