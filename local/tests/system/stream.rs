//! The table's stream and the schedule, as they reach the function behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::common::api::{Api, eventually, registration};
use super::common::directory::Directory;
use super::common::local::Local;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use muster_local::Config;
use serde_json::{Value, json};

const NEVER: Duration = Duration::from_hours(24);

/// A connection to the embedded database that can be made to refuse everything.
#[derive(Clone, Default, Debug)]
struct Switch {
    is_off: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl Switch {
    fn client(&self) -> SharedHttpClient {
        let switch = self.clone();
        let http = muster_shared::lambda::http();
        http_client_fn(move |settings, components| {
            let inner = http.http_connector(settings, components);
            SharedHttpConnector::new(Connector { inner, switch: switch.clone() })
        })
    }

    fn turn(&self, on: bool) {
        self.is_off.store(!on, Ordering::SeqCst);
    }

    fn await_refusals(&self, count: usize) {
        let from = self.refused.load(Ordering::SeqCst);
        eventually(|| (self.refused.load(Ordering::SeqCst) >= from + count).then_some(()));
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    switch: Switch,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.switch.is_off.load(Ordering::SeqCst) {
            self.switch.refused.fetch_add(1, Ordering::SeqCst);
            let body = r#"{"__type":"com.amazon.coral.validate#ValidationException"}"#;
            let refusal = HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body));
            return HttpConnectorFuture::ready(Ok(refusal));
        }
        self.inner.call(request)
    }
}

/// A team of alice's in which bob has made tokens, and one node each.
fn bobs_team(local: &Local, members: &[&str]) -> (Api, String) {
    let alice = local.api("alice@example.com");
    let team = alice.team();
    for member in members {
        alice.add(&team, member, "admin");
        let token = local.api(member).token(&team, &json!({}));
        let host = member.split('@').next().unwrap();
        registration(&token, host).send(local.address()).of(201);
    }
    (alice, team)
}

fn remove(alice: &Api, team: &str, member: &str) {
    alice.delete(&format!("/api/teams/{team}/members/{member}")).of(202);
}

fn await_no_nodes(alice: &Api, team: &str) {
    eventually(|| alice.nodes(team).is_empty().then_some(()));
}

#[test]
fn the_stream_alone_sweeps_after_a_removal() {
    let local = Local::with(Config { schedule: NEVER, ..Config::in_memory() });
    let (alice, team) = bobs_team(&local, &["bob@example.com"]);
    remove(&alice, &team, "bob@example.com");
    await_no_nodes(&alice, &team);
    assert_eq!(alice.tokens(&team)[0]["status"], "revoked");
    local.stop();
}

#[test]
fn the_schedule_alone_sweeps_after_a_removal_and_finishes_it() {
    let schedule = Duration::from_millis(200);
    let local = Local::with(Config { schedule, stream: NEVER, ..Config::in_memory() });
    let (alice, team) = bobs_team(&local, &["bob@example.com"]);
    // The feed looks once, now, and not again.
    thread::sleep(Duration::from_secs(1));
    remove(&alice, &team, "bob@example.com");
    alice.await_removal(&team);
    assert!(alice.nodes(&team).is_empty());
    local.stop();
}

#[test]
fn the_stream_goes_on_after_a_restart_where_it_stopped() {
    let directory = Directory::new();
    let config = || Config { schedule: NEVER, ..Config::in_directory(directory.data()) };
    let local = Local::with(Config { stream: NEVER, ..config() });
    // It looks once, now, and not again.
    thread::sleep(Duration::from_secs(1));
    let (alice, team) = bobs_team(&local, &["bob@example.com"]);
    remove(&alice, &team, "bob@example.com");
    assert_eq!(alice.nodes(&team).len(), 1);
    local.stop();

    let local = Local::with(config());
    let alice = local.api("alice@example.com");
    await_no_nodes(&alice, &team);
    let position = directory.data().join("stream-position.json");
    let kept = eventually(|| {
        // Its own sweep is in the stream, too: until that is read, it goes on.
        let before = std::fs::read(&position).ok()?;
        thread::sleep(Duration::from_millis(500));
        (std::fs::read(&position).ok()? == before).then_some(before)
    });
    local.stop();

    // What is handled is not handled again: nothing moves without a change.
    let local = Local::with(config());
    thread::sleep(Duration::from_millis(500));
    assert_eq!(std::fs::read(&position).unwrap(), kept);
    local.stop();
}

#[test]
fn what_is_not_handled_is_handled_again_and_what_follows_waits() {
    let switch = Switch::default();
    let directory = Directory::new();
    let local = Local::with(Config {
        schedule: NEVER,
        stream: Duration::from_millis(500),
        http: Some(switch.client()),
        ..Config::in_directory(directory.data())
    });
    let everybody: Vec<_> = (0..12).map(|n| format!("member-{n}@example.com")).collect();
    let (alice, team) =
        bobs_team(&local, &everybody.iter().map(String::as_str).collect::<Vec<_>>());
    for member in &everybody {
        remove(&alice, &team, member);
    }
    switch.turn(false);
    let position = directory.data().join("stream-position.json");
    let kept = || -> Value {
        serde_json::from_slice(&std::fs::read(&position).unwrap_or(b"null".into())).unwrap()
    };
    let next = || {
        switch.await_refusals(1);
        kept()
    };
    // The sweep that it was cut off in may still come to its end; from then on it stands still.
    let before = eventually(|| Some(next()).filter(|before| next() == *before));
    assert_eq!(next(), before);
    switch.turn(true);
    await_no_nodes(&alice, &team);
    let revoked = |token: &Value| token["status"] == "revoked";
    eventually(|| alice.tokens(&team).iter().all(revoked).then_some(()));
    local.stop();
}

#[test]
fn a_stop_in_the_middle_of_a_sweep_does_not_wait_for_it() {
    let switch = Switch::default();
    let local = Local::with(Config { http: Some(switch.client()), ..Config::in_memory() });
    let (alice, team) = bobs_team(&local, &["bob@example.com"]);
    remove(&alice, &team, "bob@example.com");
    switch.turn(false);
    switch.await_refusals(1);
    let began = std::time::Instant::now();
    local.stop();
    assert!(began.elapsed() < Duration::from_secs(5));
}
