//! What happened: requests, their attempts and their answers, and a trace that a person can read.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::clock::Time;
use crate::dynamodb::{Item, Key, Origin, Refused};
use crate::request::Request;

/// One try of a client's request, by one invocation of a function.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The request that it is a try of.
    pub request: usize,
    /// When the client sent it.
    pub sent: Duration,
    /// What the client heard, and when. Nobody knows what became of an attempt without an answer.
    pub answer: Option<(Duration, Answer)>,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; `null` if there is none.
    pub body: Value,
}

impl Answer {
    /// Whether asking again would be answered alike.
    pub fn is_final(&self) -> bool {
        self.status < 500 && self.status != 429
    }

    /// Whether it was done.
    pub fn is_success(&self) -> bool {
        self.status < 300
    }

    /// The problem's code, or nothing.
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// A text in the body.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A member as an attempt has read it.
#[derive(Debug, Clone)]
pub struct Read {
    /// Who read it.
    pub by: Origin,
    /// When.
    pub at: Duration,
    /// Which.
    pub key: Key,
    /// What was there.
    pub item: Item,
}

/// The calls to DynamoDB that were sent for an attempt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    /// How many.
    pub sent: usize,
    /// How many one after the other: the longest chain of them, each sent when the one before it was
    /// done.
    pub deep: usize,
}

/// A while in which something kept an attempt from going on.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Which attempt.
    pub by: Origin,
    /// Until when; `Duration::MAX` if it was not over when the world ended.
    pub until: Duration,
}

/// Which trouble of a history.
#[derive(Debug, Clone, Copy)]
pub struct TroubleId(usize);

/// A history that is being made.
#[derive(Debug)]
pub struct History {
    time: Time,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests: Vec<Request>,
    attempts: Vec<Attempt>,
    reads: Vec<Read>,
    calls: HashMap<Origin, Calls>,
    last_calls: HashMap<Origin, (Duration, bool)>,
    troubles: Vec<Trouble>,
    sent: BTreeMap<String, Duration>,
    coverage: BTreeMap<(&'static str, String), u64>,
    violations: Vec<String>,
    trace: Option<Vec<String>>,
}

impl History {
    /// An empty history; `traced` if a person is to read it.
    pub fn new(time: Time, traced: bool) -> Self {
        let trace = traced.then(Vec::new);
        let state = State {
            requests: Vec::new(),
            attempts: Vec::new(),
            reads: Vec::new(),
            calls: HashMap::new(),
            last_calls: HashMap::new(),
            troubles: Vec::new(),
            sent: BTreeMap::new(),
            coverage: BTreeMap::new(),
            violations: Vec::new(),
            trace,
        };
        Self { time, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line to the trace.
    pub fn say(&self, line: impl FnOnce() -> String) {
        let now = self.time.elapsed();
        if let Some(trace) = &mut self.state().trace {
            trace.push(format!("{:>10.3} {}", now.as_secs_f64(), line()));
        }
    }

    /// Notes that a fault met a step.
    pub fn met(&self, fault: &'static str, step: &str) {
        self.say(|| format!("  !! {fault}: {step}"));
        *self.state().coverage.entry((fault, step.to_owned())).or_default() += 1;
    }

    /// An attempt hears of a member that it has read.
    pub(crate) fn hear(&self, by: Origin, key: Key, item: Item) {
        let at = self.time.elapsed();
        self.state().reads.push(Read { by, at, key, item });
    }

    /// Notes what keeps an attempt from going on, until it is over.
    pub fn trouble(&self, by: Origin) -> TroubleId {
        let mut state = self.state();
        state.troubles.push(Trouble { by, until: Duration::MAX });
        TroubleId(state.troubles.len() - 1)
    }

    /// Notes that a trouble is over.
    pub fn over(&self, trouble: TroubleId) {
        let now = self.time.elapsed();
        if let Some(trouble) = self.state().troubles.get_mut(trouble.0) {
            trouble.until = now;
        }
    }

    /// Notes that a promise is broken.
    pub fn violated(&self, what: impl fmt::Display) {
        self.say(|| format!("  ## {what}"));
        self.state().violations.push(what.to_string());
    }

    /// A request begins.
    pub fn request(&self, request: Request) -> usize {
        let mut state = self.state();
        state.requests.push(request);
        state.requests.len() - 1
    }

    /// An attempt is sent.
    pub fn send(&self, request: usize) -> Origin {
        let sent = self.time.elapsed();
        let mut state = self.state();
        state.attempts.push(Attempt { request, sent, answer: None });
        // 0 is nobody.
        u64::try_from(state.attempts.len()).unwrap_or(u64::MAX)
    }

    /// An attempt is answered.
    pub fn answer(&self, attempt: Origin, answer: Answer) {
        let now = self.time.elapsed();
        let mut state = self.state();
        let attempt = usize::try_from(attempt).ok().and_then(|n| n.checked_sub(1));
        if let Some(attempt) = attempt.and_then(|n| state.attempts.get_mut(n)) {
            attempt.answer = Some((now, answer));
        }
    }

    /// How many attempts were sent so far.
    pub fn sent_so_far(&self) -> usize {
        self.state().attempts.len()
    }

    /// The calls that were sent for an attempt so far.
    pub fn calls(&self, of: Origin) -> Calls {
        self.state().calls.get(&of).copied().unwrap_or_default()
    }

    /// Ends the history: what has happened in it.
    pub fn end(&self) -> Recorded {
        let mut state = self.state();
        Recorded {
            requests: std::mem::take(&mut state.requests),
            attempts: std::mem::take(&mut state.attempts),
            reads: std::mem::take(&mut state.reads),
            last_looks: std::mem::take(&mut state.last_calls)
                .into_iter()
                .filter_map(|(origin, (at, reads))| reads.then_some((origin, at)))
                .collect(),
            troubles: std::mem::take(&mut state.troubles),
            sent: std::mem::take(&mut state.sent),
            coverage: std::mem::take(&mut state.coverage),
            violations: std::mem::take(&mut state.violations),
            trace: state.trace.take().unwrap_or_default(),
        }
    }
}

/// What the network tells.
impl History {
    /// A call was sent. Answers with how deep it is.
    pub(crate) fn sent(&self, origin: Origin, operation: &str, request: &Value) -> usize {
        if let Some(token) = request.get("ClientRequestToken").and_then(Value::as_str) {
            let now = self.time.elapsed();
            self.state().sent.entry(token.to_owned()).or_insert(now);
        }
        self.say(|| format!("  {origin} -> {operation} {}", brief(request)));
        let now = self.time.elapsed();
        let mut state = self.state();
        let reads = matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "TransactGetItems");
        state.last_calls.insert(origin, (now, reads));
        let calls = state.calls.entry(origin).or_default();
        calls.sent += 1;
        calls.deep + 1
    }

    /// A call that was so deep was done, whether or not its answer arrives.
    pub(crate) fn done(
        &self,
        origin: Origin,
        operation: &str,
        deep: usize,
        done: &Result<Value, Refused>,
    ) {
        {
            let mut state = self.state();
            let calls = state.calls.entry(origin).or_default();
            calls.deep = calls.deep.max(deep);
        }
        self.say(|| match done {
            Ok(_) => format!("  {origin} <- {operation}"),
            Err(refused) => {
                let reasons = refused.body.get("CancellationReasons").and_then(Value::as_array);
                let reasons = reasons.into_iter().flatten();
                let codes: Vec<_> = reasons.filter_map(|r| r.get("Code")?.as_str()).collect();
                format!("  {origin} <- {operation} {} {}", refused.code(), codes.join(" "))
            }
        });
    }
}

/// A history.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The requests.
    pub requests: Vec<Request>,
    /// Their attempts; the origin of a change is the attempt's number here plus 1.
    pub attempts: Vec<Attempt>,
    /// What attempts have read of members.
    pub reads: Vec<Read>,
    /// When each attempt sent its last call, if that was a read.
    pub last_looks: HashMap<Origin, Duration>,
    /// What kept attempts from going on.
    pub troubles: Vec<Trouble>,
    /// When each transaction was sent first, by its token.
    pub sent: BTreeMap<String, Duration>,
    /// How often which fault met which step.
    pub coverage: BTreeMap<(&'static str, String), u64>,
    /// Promises that were seen broken on the way.
    pub violations: Vec<String>,
    /// The trace, if one was wanted.
    pub trace: Vec<String>,
}

/// The keys in a request, with what is done to them.
fn brief(request: &Value) -> String {
    let mut keys = Vec::new();
    collect(request, "", &mut keys);
    keys.join(", ")
}

fn collect(value: &Value, name: &str, keys: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let text = |name: &str| members.get(name)?.get("S")?.as_str();
            if let (Some(pk), Some(sk)) = (text("pk"), text("sk")) {
                keys.push(format!("{name} {pk} {sk}"));
            } else if let Some(pk) = text(":partition") {
                keys.push(format!("{pk} {}", text(":prefix").unwrap_or_default()));
            }
            for (inner, value) in members {
                let name = if matches!(inner.as_str(), "Key" | "Item") { name } else { inner };
                collect(value, name, keys);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| collect(member, name, keys)),
        _ => {}
    }
}
