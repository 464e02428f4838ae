//! The control plane, over HTTP.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use muster_domain::plaintext::Plaintext;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::clock;
use crate::device_key::DeviceKey;
use crate::failure::Failure;
use crate::http::{self, ANSWER_WITHIN};
use crate::node::Node;
use crate::patience::pauses;
use crate::problem::Problem;
use crate::state::Joined;

/// Bytes that an answer may have: a page of nodes with all that they may say.
const LARGEST: u64 = 4 * 1024 * 1024;

/// How often a fault of the service's own is met before it is given up.
const FAULTS: u32 = 3;

/// A control plane.
pub(crate) struct ControlPlane {
    base: Url,
    http: ureq::Agent,
}

/// A request that is made until it is answered for good.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) caller: Caller<'a>,
    pub(crate) body: Option<Value>,
    /// Whether it makes something, and again another one when it is repeated.
    pub(crate) makes: bool,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// This machine, with the token that it presents.
    Device { key: &'a DeviceKey, token: Option<&'a Plaintext> },
    /// Who is signed in, by their ID token.
    Person(&'a str),
    /// Whoever has the address.
    Anyone,
}

/// Where people sign in (RFC 9728).
#[derive(Deserialize)]
pub(crate) struct SignIn {
    resource: Url,
    pub(crate) authorization_servers: Vec<String>,
    pub(crate) client_id: String,
}

/// Why one try came to nothing.
enum Missed {
    /// Another try may do. This one may have been `applied`, or met a `fault` of the service's own.
    Later { why: String, not_before: Duration, applied: bool, fault: bool },
    /// It is over.
    Over(Failure),
}

impl ControlPlane {
    /// The control plane at an address such as `https://muster.example.com`.
    pub(crate) fn at(address: &str) -> Result<Self, Failure> {
        let base = http::trusted("control plane", address)?;
        Ok(Self { http: http::agent(&base), base })
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Registers this machine under its key.
    pub(crate) fn register(
        &self,
        key: &DeviceKey,
        token: &Plaintext,
        report: &impl Serialize,
        within: Duration,
    ) -> Result<Node, Failure> {
        let body = serde_json::to_value(report).unwrap_or_default();
        let caller = Caller::Device { key, token: Some(token) };
        let (path, query) = ("/api/register-node".into(), Vec::new());
        self.ask(
            &Request { method: "POST", path, query, caller, body: Some(body), makes: false },
            within,
        )
    }

    /// Where people sign in.
    pub(crate) fn sign_in(&self, within: Duration) -> Result<SignIn, Failure> {
        let path = "/.well-known/oauth-protected-resource".into();
        let (query, caller) = (Vec::new(), Caller::Anyone);
        let sign_in: SignIn = self.ask(
            &Request { method: "GET", path, query, caller, body: None, makes: false },
            within,
        )?;
        // Else it may be another's that is handed on (RFC 9728, 3.3).
        if sign_in.resource.origin() != self.base.origin() {
            return Err(self.strange("it says where to sign in to another one"));
        }
        Ok(sign_in)
    }

    /// Says that this machine is there.
    pub(crate) fn heartbeat(
        &self,
        key: &DeviceKey,
        joined: &Joined,
        heartbeat: &impl Serialize,
        within: Duration,
    ) -> Result<Node, Failure> {
        let body = Some(serde_json::to_value(heartbeat).unwrap_or_default());
        let request = of_own("POST", "/api/nodes/self/heartbeat", key, joined, body);
        self.ask(&request, within).map_err(removed)
    }

    /// This machine's node.
    pub(crate) fn own_node(
        &self,
        key: &DeviceKey,
        joined: &Joined,
        within: Duration,
    ) -> Result<Node, Failure> {
        self.ask(&of_own("GET", "/api/nodes/self", key, joined, None), within).map_err(removed)
    }

    /// Has this machine removed.
    pub(crate) fn leave(
        &self,
        key: &DeviceKey,
        joined: &Joined,
        within: Duration,
    ) -> Result<(), Failure> {
        let request = of_own("DELETE", "/api/nodes/self", key, joined, None);
        self.ask(&request, within).map(|_: Value| ()).map_err(removed)
    }

    /// Makes a request, again and again while another try may do, for so long.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        request: &Request<'_>,
        within: Duration,
    ) -> Result<T, Failure> {
        let until = Instant::now() + within;
        let (mut pauses, mut may_be_done, mut faults) = (pauses(), false, 0);
        loop {
            match self.once(request) {
                Ok(answer) => {
                    return serde_json::from_value(answer)
                        .map_err(|_| self.strange("its answer is not what was asked for"));
                }
                // An earlier try has removed it, and its answer was lost.
                Err(Missed::Over(Failure::Refused(problem)))
                    if may_be_done && request.method == "DELETE" && problem.code == "not-found" =>
                {
                    return serde_json::from_value(Value::Null)
                        .map_err(|_| Failure::Refused(problem));
                }
                Err(Missed::Over(failure)) => return Err(failure),
                Err(Missed::Later { why, not_before, applied, fault }) => {
                    may_be_done |= applied;
                    faults += u32::from(fault);
                    let control = self.address();
                    if request.makes && applied {
                        return Err(Failure::Unsure { control, why });
                    }
                    let pause = not_before + pauses.next().unwrap_or_default();
                    if Instant::now() + pause >= until || faults >= FAULTS {
                        return Err(Failure::Unreachable { control, why });
                    }
                    std::thread::sleep(pause);
                }
            }
        }
    }

    fn once(&self, request: &Request<'_>) -> Result<Value, Missed> {
        let Request { method, path, query, caller, body, .. } = request;
        let url = format!("{}{path}", self.address());
        let mut sent = ureq::http::Request::builder().method(*method).uri(with_query(&url, query));
        let presented = match caller {
            Caller::Device { key, token } => {
                let token = token.map(Plaintext::expose);
                let proof = key.proof(method, &url, token.as_ref().map(|token| token.as_str()));
                sent = sent.header("DPoP", proof);
                token
            }
            Caller::Person(id_token) => Some(Zeroizing::new((*id_token).to_owned())),
            Caller::Anyone => None,
        };
        if let Some(token) = presented {
            sent = sent.header("Authorization", format!("Bearer {}", token.as_str()));
        }
        let answer = match body {
            Some(body) => {
                let sent = sent.header("Content-Type", "application/json").body(body.to_string());
                sent.map(|sent| self.http.run(sent))
            }
            None => sent.body(()).map(|sent| self.http.run(sent)),
        };
        let later = |why: String, applied| Missed::Later {
            why,
            not_before: Duration::ZERO,
            applied,
            fault: false,
        };
        let answer = answer.map_err(|error| Missed::Over(self.strange(&error.to_string())))?;
        let mut answer = answer.map_err(|error| match error {
            // Whoever answers is not who it should be, and will not be.
            error if is_of_tls(&error) => {
                let (control, why) = (self.address(), error.to_string());
                Missed::Over(Failure::Unreachable { control, why })
            }
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                later(error.to_string(), false)
            }
            ureq::Error::Io(ref why) if why.kind() == ErrorKind::ConnectionRefused => {
                later(error.to_string(), false)
            }
            error => later(error.to_string(), true),
        })?;
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (date, retry_after) = (header("date"), header("retry-after"));
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
        let text = read.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                Missed::Over(self.strange("its answer is too large"))
            }
            other => later(other.to_string(), true),
        })?;
        match status {
            204 => Ok(Value::Null),
            200..300 => serde_json::from_slice(&text)
                .map_err(|_| Missed::Over(self.strange("its answer is no JSON"))),
            300..=399 => {
                Err(Missed::Over(self.strange("it leads elsewhere, where nothing is sent")))
            }
            429 | 500 | 502..=504 => {
                let not_before = retry_after.and_then(|seconds| seconds.parse().ok());
                let not_before = Duration::from_secs(not_before.unwrap_or(0)).min(ANSWER_WITHIN);
                let (why, fault) = (format!("it answers {status}"), status == 500);
                Err(Missed::Later { why, not_before, applied: status != 429, fault })
            }
            // API Gateway's own answer to a token that is at its end, or of another issuer.
            401 if matches!(caller, Caller::Person(_)) => Err(Missed::Over(Failure::SignedOut)),
            _ => Err(Missed::Over(self.refused(status, &text, date.as_deref()))),
        }
    }

    fn refused(&self, status: u16, text: &[u8], date: Option<&str>) -> Failure {
        let Ok(problem) = serde_json::from_slice::<Problem>(text) else {
            return self.strange(&format!("it answers {status}, and not why"));
        };
        let difference = date.and_then(|date| clock::difference(date, clock::now()));
        match difference {
            Some(difference) if problem.code == "invalid-proof" => Failure::Clock(difference),
            _ => Failure::Refused(Box::new(problem)),
        }
    }

    pub(crate) fn strange(&self, why: &str) -> Failure {
        Failure::Strange { control: self.address(), why: why.to_owned() }
    }
}

/// Whether no secure connection came about.
fn is_of_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => true,
        ureq::Error::Io(error) => {
            let inner = error.get_ref();
            inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
        }
        _ => false,
    }
}

fn of_own<'a>(
    method: &'static str,
    path: &'static str,
    key: &'a DeviceKey,
    joined: &Joined,
    body: Option<Value>,
) -> Request<'a> {
    let Node { team_id, hostname, .. } = &joined.node;
    let query = vec![("team_id", team_id.to_string()), ("hostname", hostname.to_string())];
    Request {
        method,
        path: path.into(),
        query,
        caller: Caller::Device { key, token: None },
        body,
        makes: false,
    }
}

fn with_query(url: &str, query: &[(&'static str, String)]) -> String {
    if query.is_empty() {
        return url.to_owned();
    }
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    format!("{url}?{}", pairs.extend_pairs(query).finish())
}

/// A device whose node is not there has been removed.
fn removed(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(problem) if problem.code == "not-found" => Failure::Removed,
        other => other,
    }
}

/// The control plane that the environment names.
pub(crate) fn control_of_environment() -> Option<String> {
    std::env::var("MUSTER_URL").ok().filter(|url| !url.is_empty())
}
