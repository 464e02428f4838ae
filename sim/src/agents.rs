//! Devices whose agents send heartbeats for a while, and meet trouble in the first minute.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::chance::Chance;
use crate::client::Api;
use crate::dynamodb::{DynamoDb, NEW_TABLE, Settings, Used};
use crate::fleet::{self, Fleet};
use crate::history::Answer;
use crate::lambda::Scaling;
use crate::request::{Device, Request, Want};
use crate::system::{self, System};
use crate::weather::Weather;

/// How many agents there are.
pub const AGENTS: usize = 2_000;
/// How long they are watched.
pub const WATCHED: Duration = Duration::from_mins(10);
/// How often each says that it is there, about: what `muster agent` does unasked.
pub const INTERVAL: Duration = Duration::from_mins(5);
/// How much sooner or later it may.
const JITTER: f64 = 0.1;
/// In the first minute after this, one call in four to the table comes to nothing.
const TROUBLE: Duration = Duration::from_mins(1);
/// How often an agent asks before it lets a heartbeat be.
const TRIES: u32 = 60;
/// How long a transaction holds an item, about.
const WINDOW: Duration = Duration::from_millis(10);
const KEY: u8 = 1;

/// What became of them.
#[derive(Debug)]
pub struct Watched {
    /// Heartbeats that were to be sent.
    pub heartbeats: usize,
    /// Those of them that were answered with the node.
    pub heard: usize,
    /// Requests that they took.
    pub requests: usize,
    /// How long each took, in order.
    pub waits: Vec<Duration>,
    /// Most requests that came within one second.
    pub most_at_once: usize,
    /// What the table was used.
    pub used: Used,
    /// Devices that were shown as online in the end.
    pub online: usize,
}

impl Watched {
    /// How long it took until so many percent of the heartbeats were heard, each from its sending.
    pub fn wait(&self, percent: usize) -> Duration {
        fleet::at_percent(&self.waits, percent)
    }
}

/// Watches them.
///
/// # Errors
/// If there is no runtime or no engine to be had, or a device can't join.
pub fn watch(seed: u64) -> Result<Watched, Box<dyn std::error::Error>> {
    system::run(live(seed))
}

async fn live(seed: u64) -> Result<Watched, system::Error> {
    let chance = Chance::new(seed);
    let settings = Settings { window: WINDOW, table: Some(NEW_TABLE), torn_queries: false };
    let joined = Duration::from_mins(1);
    let weather = Weather { until: joined + TROUBLE, server_error: 0.25, ..Weather::calm() };
    let scaling = Scaling::OF_A_NEW_ACCOUNT;
    let (system, _changes) = System::begin(&chance, weather, settings, scaling, None, false)?;
    let System { time, history, dynamodb, .. } = &system;
    let api = system.api(chance.apart())?;
    let devices = join(&api, dynamodb, &chance).await?;
    tokio::time::sleep_until(time.at(joined)).await;
    let (before, first) = (dynamodb.used(), history.sent_so_far());
    let until = joined + WATCHED;
    let agents = devices.iter().map(|device| {
        let (api, device, chance) = (Arc::clone(&api), device.clone(), chance.apart());
        tokio::spawn(async move { beat(&api, &device, &chance, until).await })
    });
    let agents: Vec<_> = agents.collect();
    let beats: Vec<_> = join_all(agents).await.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let used = dynamodb.used().since(before);
    let requests = history.sent_so_far() - first;
    let online = online(&api, &devices).await?;
    let history = history.end();
    let mut seconds = std::collections::BTreeMap::<u64, usize>::new();
    for attempt in history.attempts.iter().skip(first).take(requests) {
        *seconds.entry(attempt.sent.as_secs()).or_default() += 1;
    }
    let mut waits: Vec<_> = beats.iter().map(|(wait, _)| *wait).collect();
    waits.sort_unstable();
    Ok(Watched {
        heartbeats: beats.len(),
        heard: beats.iter().filter(|(_, heard)| *heard).count(),
        requests,
        waits,
        most_at_once: seconds.into_values().max().unwrap_or(0),
        used,
        online,
    })
}

/// How long each heartbeat of one agent took, and whether it was heard.
async fn beat(
    api: &Arc<Api>,
    device: &Device,
    chance: &Chance,
    until: Duration,
) -> Vec<(Duration, bool)> {
    let mut beats = Vec::new();
    // They were started at different times.
    tokio::time::sleep(chance.time(Duration::ZERO, INTERVAL)).await;
    while api.time.elapsed() < until {
        let began = api.time.elapsed();
        let request = Request { by: None, want: Want::Beat(device.clone()) };
        let answer = api.ask(request, TRIES).await;
        let heard = answer.is_some_and(|answer| answer.is_success());
        beats.push((api.time.elapsed().saturating_sub(began), heard));
        let pause = INTERVAL.mul_f64(chance.between(1.0 - JITTER, 1.0 + JITTER));
        tokio::time::sleep(pause).await;
    }
    beats
}

/// Has every device join.
async fn join(
    api: &Arc<Api>,
    dynamodb: &DynamoDb,
    chance: &Chance,
) -> Result<Vec<Device>, system::Error> {
    let token = Arc::new(fleet::make_token(api, dynamodb, Fleet::of(AGENTS, WINDOW)).await?);
    let team = token.team.clone();
    let joining = (0..AGENTS).map(|n| {
        let (api, token, chance) = (Arc::clone(api), Arc::clone(&token), chance.apart());
        let device = Device { team: team.clone(), hostname: format!("device-{n}"), key: KEY };
        tokio::spawn(async move {
            tokio::time::sleep(chance.time(Duration::ZERO, Duration::from_secs(10))).await;
            let hostname = device.hostname.clone();
            let want = Want::Register { token, hostname, key: Some(KEY), name: None };
            let answer = api.ask(Request { by: None, want }, TRIES).await;
            answer.filter(Answer::is_success).map(|_| device)
        })
    });
    let joining: Vec<_> = joining.collect();
    let joined = join_all(joining).await.into_iter().collect::<Result<Option<Vec<_>>, _>>()?;
    joined.ok_or_else(|| "a device could not join".into())
}

async fn online(api: &Arc<Api>, devices: &[Device]) -> Result<usize, system::Error> {
    let mut online = 0;
    for device in devices {
        let request = Request { by: None, want: Want::SeeOwn(device.clone()) };
        let answer = api.ask(request, TRIES).await.ok_or("no answer")?;
        online += usize::from(answer.text("status") == "online");
    }
    Ok(online)
}
