//! A world: a system, its weather, and the crowd that uses it, all from one seed.

mod cascade;
mod crowd;

use std::sync::Arc;
use std::time::Duration;

use muster_shared::store::Patience;

use crate::chance::Chance;
use crate::dynamodb::{Change, Item, Key, Settings, Used};
use crate::history::Recorded;
use crate::lambda::Scaling;
use crate::mutation::Mutation;
use crate::promises;
use crate::request::Token;
use crate::system::{self, System};
use crate::weather::Weather;

use crowd::Crowd;

/// How long the store looks after a removal, and how often the schedule runs: minutes and hours would
/// only make worlds longer.
#[derive(Debug, Clone, Copy)]
struct Pace {
    patience: Patience,
    schedule: Duration,
}

/// Longer than anything takes to become visible.
const WATCH: Duration = Duration::from_secs(22);
/// As in the template, but for the scale.
const STEADY: Pace = Pace {
    patience: Patience { settle: Duration::from_secs(20), watch: WATCH },
    schedule: Duration::from_secs(15),
};
/// So hasty that much is found only after a removal was done.
const HASTY: Pace = Pace {
    patience: Patience { settle: Duration::from_secs(2), watch: WATCH },
    schedule: Duration::from_secs(3),
};
/// How long it takes at most until every removal is at rest once the weather is clear.
const REST: Duration = Duration::from_mins(4);

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
    pub history: Recorded,
    /// Every change of the table.
    pub changes: Vec<Arc<Change>>,
    /// What lies in the table.
    pub items: Vec<(Key, Arc<Item>)>,
    /// The tokens whose plaintext somebody got.
    pub tokens: Vec<Arc<Token>>,
    /// What the table was used.
    pub used: Used,
    /// How long the store looked after a removal.
    pub patience: Patience,
    /// What of the promises does not hold.
    pub violations: Vec<String>,
}

/// Lets the world of a seed run to its end, and looks whether every promise was kept.
///
/// # Errors
/// If there is no runtime or no engine to be had.
pub fn run(seed: u64, options: &Options) -> Result<Evidence, Box<dyn std::error::Error>> {
    let mut evidence = system::run(live(seed, options))?;
    evidence.violations = promises::broken(&evidence);
    Ok(evidence)
}

async fn live(seed: u64, options: &Options) -> Result<Evidence, system::Error> {
    let chance = Chance::new(seed);
    let teams = 1 + chance.below(2);
    // A world of those who leave, and of all that makes it hard to follow them.
    let leaving = chance.happens(0.2);
    // Devices are heard of again only after a while.
    let [least, most] = if !leaving && chance.happens(0.2) { [70, 100] } else { [15, 40] };
    let until = chance.time(Duration::from_secs(least), Duration::from_secs(most));
    let weather = Weather::drawn(&chance, until, teams, leaving);
    let pace = if leaving { HASTY } else { STEADY };
    let window = *chance.pick(&[8, 10, 15]).unwrap_or(&10);
    let settings =
        Settings { window: Duration::from_millis(window), table: None, torn_queries: true };
    let (mutation, scaling) = (options.mutation.clone(), Scaling::UNLIMITED);
    let (system, records) =
        System::begin(&chance, weather, settings, scaling, mutation, options.traced)?;
    let System { time, weather, history, dynamodb, lambda } = &system;
    history.say(|| format!("{weather:?}"));
    let cascade = Arc::new(cascade::Cascade {
        lambda: Arc::clone(lambda),
        time: *time,
        chance: chance.apart(),
        weather: Arc::clone(weather),
        history: Arc::clone(history),
        pace,
    });
    tokio::spawn(Arc::clone(&cascade).follow(records));
    tokio::spawn(Arc::clone(&cascade).tick(until));
    let api = system.api(chance.apart())?;
    let crowd = Arc::new(Crowd::new(api, Arc::clone(dynamodb), chance.apart(), until, leaving));
    crowd.live(teams).await;
    tokio::time::sleep_until(time.at(until)).await;
    while dynamodb.is_at_work() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    cascade.finish(dynamodb).await;
    Ok(Evidence {
        history: history.end(),
        changes: dynamodb.changes(),
        items: dynamodb.items(),
        tokens: crowd.tokens(),
        used: dynamodb.used(),
        patience: pace.patience,
        violations: Vec::new(),
    })
}
