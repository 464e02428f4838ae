//! A world: a system, its weather, and the crowd that uses it, all from one seed.

mod cascade;
mod crowd;

use std::sync::Arc;
use std::time::Duration;

use muster_local::gateway::Front;
use muster_shared::store::Patience;
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::client::Api;
use crate::clock::Time;
use crate::dynamodb::{Change, DynamoDb, Item, Key, Settings, Used};
use crate::history::{History, Recorded};
use crate::lambda::{Lambda, Scaling};
use crate::mutation::Mutation;
use crate::network::Network;
use crate::promises;
use crate::request::{Request, Token};
use crate::scribe::Scribe;
use crate::weather::Weather;

use crowd::Crowd;

/// How long the store looks after a removal here: minutes and hours would only make worlds longer.
const REMOVAL_PATIENCE: Patience =
    Patience { settle: Duration::from_secs(20), watch: Duration::from_secs(40) };
/// How often the schedule runs.
const SCHEDULE: Duration = Duration::from_secs(15);
/// Rounds of the schedule within which every removal must be at rest once the weather is clear.
const LAST_ROUNDS: usize = 16;

/// What a world is like besides its seed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is taken out of it.
    pub mutation: Option<Mutation>,
    /// Whether a person is to read its trace.
    pub traced: bool,
}

/// What is left of a world when it has ended.
#[derive(Debug)]
pub struct Evidence {
    /// What was asked and answered.
    pub history: Recorded<Request>,
    /// Every change of the table.
    pub changes: Vec<Arc<Change>>,
    /// What lies in the table.
    pub items: Vec<(Key, Arc<Item>)>,
    /// The tokens whose plaintext somebody got.
    pub tokens: Vec<Arc<Token>>,
    /// What the table was used.
    pub used: Used,
    /// What of the promises does not hold.
    pub violations: Vec<String>,
}

/// Lets the world of a seed run to its end, and looks whether every promise was kept.
///
/// # Errors
/// If there is no runtime or no engine to be had.
pub fn run(seed: u64, options: &Options) -> Result<Evidence, Box<dyn std::error::Error>> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut evidence = runtime.block_on(live(seed, options))?;
    evidence.violations = promises::broken(&evidence);
    Ok(evidence)
}

async fn live(seed: u64, options: &Options) -> Result<Evidence, Box<dyn std::error::Error>> {
    let chance = Chance::new(seed);
    let time = Time::begin();
    let until = chance.time(Duration::from_secs(15), Duration::from_secs(40));
    let weather = Arc::new(Weather::drawn(&chance, until));
    let window = *chance.pick(&[8, 10, 15]).unwrap_or(&10);
    let settings =
        Settings { window: Duration::from_millis(window), table: None, torn_queries: true };
    let (stream, records) = mpsc::unbounded_channel();
    let dynamodb =
        Arc::new(DynamoDb::new(time, chance.apart(), Arc::clone(&weather), settings, stream)?);
    let history = Arc::new(History::new(time, options.traced));
    history.say(|| format!("{weather:?}"));
    let network = Arc::new(Network {
        dynamodb: Arc::clone(&dynamodb),
        time,
        chance: chance.apart(),
        weather: Arc::clone(&weather),
        scribe: Arc::clone(&history) as Arc<dyn Scribe>,
        mutation: options.mutation.clone(),
    });
    let lambda = Arc::new(Lambda::new(network, chance.apart(), Scaling::UNLIMITED));
    let cascade = Arc::new(cascade::Cascade {
        lambda: Arc::clone(&lambda),
        time,
        chance: chance.apart(),
        weather: Arc::clone(&weather),
        history: Arc::clone(&history),
    });
    tokio::spawn(Arc::clone(&cascade).follow(records));
    tokio::spawn(Arc::clone(&cascade).tick(until));
    let api = Arc::new(Api {
        lambda,
        front: Front::new()?,
        time,
        chance: chance.apart(),
        weather,
        history: Arc::clone(&history),
    });
    let crowd = Arc::new(Crowd::new(api, Arc::clone(&dynamodb), chance.apart(), until));
    crowd.live().await;
    tokio::time::sleep_until(time.at(until)).await;
    cascade.finish(&dynamodb).await;
    Ok(Evidence {
        history: history.so_far(),
        changes: dynamodb.changes(),
        items: dynamodb.items(),
        tokens: crowd.tokens(),
        used: dynamodb.used(),
        violations: Vec::new(),
    })
}
