//! Lists of a team, asked for one after the other through the real endpoints.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lambda_http::Body;
use lambda_http::http::Request;
use lambda_http::request::LambdaRequest;
use muster_local::gateway::{Claims, Front};
use muster_shared::http::event;
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::clock::Time;
use crate::dynamodb::Settings;
use crate::lambda::Scaling;
use crate::system::{self, Error, System};
use crate::weather::Weather;

/// How often each list is asked for; the middle of what it took counts.
const RUNS: usize = 15;
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
const OWNER: &str = "owner@example.com";

/// What a team has. What a node is let in through is a token of one use as long as there is an
/// unused one, and then a wide one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holdings {
    /// Tokens of one use.
    pub one_use: usize,
    /// Tokens without a limit.
    pub wide: usize,
    /// Tokens without a limit that were revoked.
    pub revoked: usize,
    /// Nodes.
    pub nodes: usize,
}

/// What one list took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Calls to DynamoDB.
    pub calls: usize,
    /// How many of them one after the other.
    pub round_trips: usize,
    /// Read units.
    pub reads: f64,
    /// The time of the calls: it is virtual, and has no part in the next.
    pub waited: Duration,
    /// The function's own CPU time, which is real.
    pub worked: Duration,
}

impl Taken {
    /// From the function's beginning to its end, on a core of its own.
    pub fn time(&self) -> Duration {
        self.waited + self.worked
    }
}

/// Asks for lists of a team that has `holdings`. `{token}` in a path is a wide token's id.
///
/// # Errors
/// If there is no runtime or no engine to be had, or a request is refused.
pub fn list(
    holdings: Holdings,
    paths: &[&str],
    seed: u64,
) -> Result<Vec<Taken>, Box<dyn std::error::Error>> {
    system::run(async move {
        let team = Team::with(holdings, seed).await?;
        let mut taken = Vec::new();
        for path in paths {
            taken.push(team.list(path).await?);
        }
        Ok(taken)
    })
}

struct Team {
    system: System,
    front: Front,
    asked: AtomicU64,
    id: String,
    wide: Option<String>,
}

impl Team {
    async fn with(holdings: Holdings, seed: u64) -> Result<Self, Error> {
        let settings =
            Settings { window: Duration::from_millis(10), table: None, torn_queries: false };
        let (system, _changes) = System::begin(
            &Chance::new(seed),
            Weather::calm(),
            settings,
            Scaling::UNLIMITED,
            None,
            false,
        )?;
        let (front, asked) = (Front::new()?, AtomicU64::new(0));
        let mut team = Self { system, front, asked, id: String::new(), wide: None };
        let made = team.post("/api/teams", &json!({ "name": "Team" })).await?;
        made["id"].as_str().unwrap_or_default().clone_into(&mut team.id);
        team.fill(holdings).await?;
        Ok(team)
    }

    async fn fill(&mut self, holdings: Holdings) -> Result<(), Error> {
        let tokens = self.path("registration-tokens");
        let mut keys = Vec::new();
        for n in 0..holdings.wide {
            let made = self.post(&tokens, &json!({ "name": format!("Fleet {n}") })).await?;
            keys.push(made["token"].clone());
            self.wide = made["id"].as_str().map(str::to_owned);
        }
        for n in 0..holdings.revoked {
            let made = self.post(&tokens, &json!({ "name": format!("Old fleet {n}") })).await?;
            let path = format!("{tokens}/{}", made["id"].as_str().unwrap_or_default());
            self.ask("DELETE", &path, &Value::Null).await?;
        }
        let mut unused = Vec::new();
        for n in 0..holdings.one_use {
            let body = json!({ "name": format!("Laptop {n}"), "max_uses": 1 });
            unused.push(self.post(&tokens, &body).await?["token"].clone());
        }
        for n in 0..holdings.nodes {
            let one_use = unused.pop();
            let token = one_use.as_ref().or_else(|| keys.get(n % keys.len().max(1)));
            let hostname = format!("machine-{n}.example.com");
            let body = json!({ "token": token, "hostname": hostname, "name": "Machine" });
            self.post("/api/register-node", &body).await?;
        }
        Ok(())
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/teams/{}/{rest}", self.id)
    }

    async fn list(&self, path: &str) -> Result<Taken, Error> {
        let path = self.path(&path.replace("{token}", self.wide.as_deref().unwrap_or_default()));
        let mut all = Vec::new();
        for _ in 0..RUNS {
            // What a partition gives in a second is there again.
            tokio::time::sleep(Duration::from_secs(1)).await;
            all.push(self.ask("GET", &path, &Value::Null).await?.1);
        }
        all.sort_unstable_by_key(Taken::time);
        all.into_iter().nth(RUNS / 2).ok_or_else(|| "nothing was asked".into())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        Ok(self.ask("POST", path, body).await?.0)
    }

    /// Has a function answer a request of the owner.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<(Value, Taken), Error> {
        let System { time, history, dynamodb, lambda, .. } = &self.system;
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let http = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "muster.example.com")
            .header("content-type", "application/json");
        let (parts, ()) = http.body(())?.into_parts();
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let claims: Claims =
            [("sub", "1"), ("email", OWNER), ("email_verified", "true"), ("token_use", "id")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        let claims = (path != "/api/register-node").then_some(claims);
        let (id, at) = (format!("request-{number}"), Time::second(time.elapsed()));
        let sent = self.front.event(&parts, &body, claims, &id, at);
        let (endpoint, sent) = sent.ok_or("no function answers that")?;
        let (before, began) = (dynamodb.used(), time.elapsed());
        let run = async |store| {
            let event: LambdaRequest = serde_json::from_str(&sent).ok()?;
            Some(endpoint.answer(&store, event::request(event)).await)
        };
        let metered = async |store| Metered::new(run(store)).await;
        let answer = lambda.invoke(endpoint.name, number, FUNCTION_TIMEOUT, metered).await;
        let (answer, worked) = answer.map_err(|failed| format!("{path}: {failed:?}"))?;
        let (head, body) = answer.ok_or("an event that is none")?.into_parts();
        if !head.status.is_success() {
            return Err(format!("{method} {path}: {}, {body:?}", head.status).into());
        }
        let calls = history.calls(number);
        let taken = Taken {
            calls: calls.sent,
            round_trips: calls.deep,
            reads: dynamodb.used().since(before).reads,
            waited: time.elapsed().saturating_sub(began),
            worked,
        };
        let body = match body {
            Body::Text(text) => serde_json::from_str(&text)?,
            _ => Value::Null,
        };
        Ok((body, taken))
    }
}

/// Something and the CPU time that it takes itself: not the time in which others are at work.
struct Metered<F> {
    inner: Pin<Box<F>>,
    worked: Duration,
}

impl<F> Metered<F> {
    fn new(inner: F) -> Self {
        Self { inner: Box::pin(inner), worked: Duration::ZERO }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = (F::Output, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let began = cpu_time();
        let done = self.inner.as_mut().poll(context);
        self.worked += cpu_time().saturating_sub(began);
        Poll::Ready((ready!(done), self.worked))
    }
}

/// What this thread has used so far.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
