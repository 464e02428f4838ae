//! A fleet that boots at once, with one token.

use std::num::TryFromIntError;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use muster_local::engine::TABLE;
use muster_shared::domain::gate::WIDE_GATES;
use serde_json::json;

use crate::chance::Chance;
use crate::client::Api;
use crate::dynamodb::{DynamoDb, Rate, Settings, Used};
use crate::history::Answer;
use crate::lambda::Scaling;
use crate::request::{Request, Token, Want};
use crate::system::{self, System};
use crate::weather::Weather;

/// The time within which all machines boot.
const BOOT: Duration = Duration::from_secs(1);
/// How often a machine asks before it gives up.
const TRIES: u32 = 60;
const OWNER: &str = "owner@example.com";

/// How the token counts its uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// On one item.
    One,
    /// On so many gates, at most as many as a wide token has.
    Gates(u8),
}

/// A fleet, and what it meets.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// How many machines boot.
    pub machines: usize,
    /// How many of them the token admits; `None` is all that come.
    pub max_uses: Option<u64>,
    /// How it counts.
    pub counter: Counter,
    /// How long a transaction holds an item, about.
    pub window: Duration,
    /// What the table takes; `None` is more than the fleet asks for.
    pub table: Option<Rate>,
    /// When the token is revoked, if it is.
    pub revoked_after: Option<Duration>,
}

impl Fleet {
    /// A fleet with a token without a limit, on a table that takes whatever comes.
    pub fn of(machines: usize, window: Duration) -> Self {
        let counter = Counter::Gates(WIDE_GATES);
        Self { machines, max_uses: None, counter, window, table: None, revoked_after: None }
    }
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// How long each machine that got in took from its boot, in order.
    pub waits: Vec<Duration>,
    /// When the last one was in.
    pub all_in: Duration,
    /// When the last one had a final answer.
    pub all_told: Duration,
    /// Requests over HTTP.
    pub requests: usize,
    /// Those of them that were told `429`, for there were as many functions as there may be.
    pub turned_away: usize,
    /// Those of them that were told `busy`.
    pub busy: usize,
    /// What the table was used.
    pub used: Used,
    /// How long the revoke took, and how many got in that asked after it was answered.
    pub revoke: Option<(Duration, usize)>,
}

impl Arrival {
    /// How long it took until so many percent of those that got in were in, each from its boot.
    pub fn wait(&self, percent: usize) -> Duration {
        at_percent(&self.waits, percent)
    }

    /// So much of something for each machine that got in.
    ///
    /// # Errors
    /// If it is more than anybody counts.
    pub fn each(&self, sum: u64) -> Result<f64, TryFromIntError> {
        self.each_units(u32::try_from(sum)?.into())
    }

    /// So many units for each machine that got in.
    ///
    /// # Errors
    /// If there are more machines than anybody counts.
    pub fn each_units(&self, sum: f64) -> Result<f64, TryFromIntError> {
        Ok(sum / f64::from(u32::try_from(self.waits.len())?.max(1)))
    }
}

/// Boots a fleet.
///
/// # Errors
/// If there is no runtime or no engine to be had, or the team can't be made.
pub fn boot(fleet: Fleet, seed: u64) -> Result<Arrival, Box<dyn std::error::Error>> {
    system::run(live(fleet, seed))
}

async fn live(fleet: Fleet, seed: u64) -> Result<Arrival, system::Error> {
    let chance = Chance::new(seed);
    let settings = Settings { window: fleet.window, table: fleet.table, torn_queries: false };
    let scaling = Scaling::OF_A_NEW_ACCOUNT;
    let (system, _changes) =
        System::begin(&chance, Weather::calm(), settings, scaling, None, false)?;
    let System { time, history, dynamodb, .. } = &system;
    let api = system.api(chance.apart())?;
    let token = Arc::new(make_token(&api, dynamodb, fleet).await?);
    // What the second before may have used up is there again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (began, before) = (time.elapsed(), dynamodb.used());
    let machines = (0..fleet.machines).map(|n| {
        let (api, token, chance) = (Arc::clone(&api), Arc::clone(&token), chance.clone());
        tokio::spawn(async move {
            tokio::time::sleep(chance.time(Duration::ZERO, BOOT)).await;
            let booted = api.time.elapsed();
            let hostname = format!("machine-{n}");
            let want = Want::Register { token, hostname, key: None, name: None };
            let answer = api.ask(Request { by: None, want }, TRIES).await;
            (booted, api.time.elapsed(), answer)
        })
    });
    let machines: Vec<_> = machines.collect();
    let revoke = async {
        tokio::time::sleep(fleet.revoked_after?).await;
        let asked = time.elapsed();
        let want = Want::Revoke(Arc::clone(&token));
        let answer = api.ask(Request { by: Some(OWNER.to_owned()), want }, TRIES).await;
        answer.filter(Answer::is_success).map(|_| (asked, time.elapsed()))
    };
    let (machines, revoke) = futures_util::future::join(join_all(machines), revoke).await;
    let machines: Vec<_> = machines.into_iter().collect::<Result<_, _>>()?;
    let is_in = |answer: &Option<Answer>| answer.as_ref().is_some_and(Answer::is_success);
    let let_in = || machines.iter().filter(|(.., answer)| is_in(answer));
    let mut waits: Vec<_> =
        let_in().map(|(booted, done, _)| done.saturating_sub(*booted)).collect();
    waits.sort_unstable();
    let last = |times: &mut dyn Iterator<Item = Duration>| {
        times.max().unwrap_or(began).saturating_sub(began)
    };
    let history = history.end();
    let answers = history.attempts.iter().filter_map(|attempt| attempt.answer.as_ref());
    let told = |what: fn(&Answer) -> bool| answers.clone().filter(|(_, it)| what(it)).count();
    let late = |answered: Duration| {
        let of_machines = history.attempts.iter().filter(|attempt| attempt.sent > answered);
        of_machines
            .filter(|a| a.answer.as_ref().is_some_and(|(_, answer)| answer.status == 201))
            .count()
    };
    Ok(Arrival {
        all_in: last(&mut let_in().map(|(_, done, _)| *done)),
        all_told: last(&mut machines.iter().map(|(_, done, _)| *done)),
        requests: history.attempts.len(),
        turned_away: told(|answer| answer.status == 429),
        busy: told(|answer| answer.code() == "busy"),
        used: dynamodb.used().since(before),
        revoke: revoke.map(|(asked, answered)| (answered.saturating_sub(asked), late(answered))),
        waits,
    })
}

/// How long so many percent took at most, of times in order.
pub(crate) fn at_percent(times: &[Duration], percent: usize) -> Duration {
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

/// A token for a fleet, of a team of its own.
pub(crate) async fn make_token(
    api: &Arc<Api>,
    dynamodb: &DynamoDb,
    fleet: Fleet,
) -> Result<Token, Box<dyn std::error::Error>> {
    let by = || Some(OWNER.to_owned());
    let made = api.ask(Request { by: by(), want: Want::CreateTeam }, TRIES).await;
    let team = made.ok_or("no team")?.text("id").to_owned();
    // One counter for any number of uses is nothing that the API makes, and neither are fewer gates.
    let (asked, changed) = match fleet.counter {
        Counter::One => {
            let quota = fleet.max_uses.unwrap_or(1 << 53);
            (Some(1), Some(("quota", quota)))
        }
        Counter::Gates(WIDE_GATES) => (fleet.max_uses, None),
        Counter::Gates(fewer) => (None, Some(("count", fewer.into()))),
    };
    let want = Want::CreateToken { team: team.clone(), max_uses: asked, expires_at: None };
    let made = api.ask(Request { by: by(), want }, TRIES).await.ok_or("no token")?;
    let id = made.text("id").to_owned();
    if let Some((attribute, n)) = changed {
        let update = json!({
            "TableName": TABLE,
            "Key": { "pk": { "S": format!("TEAM#{team}#TOKENS") }, "sk": { "S": format!("TOKEN#{id}") } },
            "UpdateExpression": "SET gate.#attribute = :n REMOVE policy.max_uses",
            "ExpressionAttributeNames": { "#attribute": attribute },
            "ExpressionAttributeValues": { ":n": { "N": n.to_string() } },
        });
        let updated = dynamodb.call(0, "UpdateItem", update).await;
        updated.map_err(|refused| refused.body.to_string())?;
    }
    let plaintext = made.text("token").to_owned();
    Ok(Token {
        team,
        id,
        plaintext,
        max_uses: fleet.max_uses,
        expires_at: None,
        worn: 0,
        self_enrolled: false,
    })
}
