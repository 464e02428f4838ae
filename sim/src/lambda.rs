//! Functions and their execution environments: each has a clock of its own, does one thing at a
//! time, is kept for the next, and may be killed or frozen at any await point.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use muster_local::engine::TABLE;
use muster_shared::environment::Environment;
use muster_shared::lambda::config;
use muster_shared::store::Store;
use tokio::time::Sleep;

use crate::chance::{Chance, ShortOfIds};
use crate::clock::{SKEW, Skewed, Time};
use crate::dynamodb::Origin;
use crate::history::History;
use crate::network::{Network, ORIGIN};
use crate::weather::Weather;

/// Await points of an invocation, about; a fault strikes at one of them.
const AWAIT_POINTS: usize = 40;
/// How long an environment stays frozen at most.
const LONGEST_FREEZE: Duration = Duration::from_secs(30);

/// How many environments there may be (AWS Lambda, "Understanding Lambda function scaling").
#[derive(Debug, Clone, Copy)]
pub struct Scaling {
    /// Invocations at the same time.
    pub concurrent: usize,
    /// Environments that a function may have before the first ten seconds are over, and as many more
    /// in every ten seconds after that.
    pub started: usize,
    /// How long a new environment takes until it answers, about.
    pub cold_start: Duration,
}

impl Scaling {
    /// What an account has that never asked for more.
    pub const OF_A_NEW_ACCOUNT: Self =
        Self { concurrent: 1000, started: 1000, cold_start: Duration::from_millis(150) };
    /// As many as are wanted, at once.
    pub const UNLIMITED: Self =
        Self { concurrent: usize::MAX, started: usize::MAX, cold_start: Duration::ZERO };
}

/// Why an invocation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// There are as many as there may be.
    Throttled,
    /// It died.
    Killed,
    /// It had not ended in time.
    TimedOut,
}

/// All functions.
pub struct Lambda {
    network: Arc<Network>,
    time: Time,
    chance: Chance,
    weather: Arc<Weather>,
    history: Arc<History>,
    scaling: Scaling,
    environments: Mutex<Environments>,
}

#[derive(Default)]
struct Environments {
    idle: HashMap<&'static str, Vec<Store>>,
    started: HashMap<&'static str, usize>,
    running: usize,
}

impl Lambda {
    /// Functions that have not been called yet.
    pub fn new(network: Arc<Network>, chance: Chance, scaling: Scaling) -> Self {
        let (time, weather) = (network.time, Arc::clone(&network.weather));
        let history = Arc::clone(&network.history);
        Self { network, time, chance, weather, history, scaling, environments: Mutex::default() }
    }

    /// Invokes a function, which may take `limit`.
    pub async fn invoke<F: Future>(
        &self,
        function: &'static str,
        origin: Origin,
        limit: Duration,
        run: impl FnOnce(Store) -> F,
    ) -> Result<F::Output, Failed> {
        let _running = self.begin()?;
        let store = match self.idle(function) {
            Some(store) => store,
            None => self.start(function).await?,
        };
        let mishap = self.mishap(function, origin);
        let run = ORIGIN.scope((origin, function), run(store.clone()));
        let fragile = Fragile { inner: Box::pin(run), mishap, points: 0, frozen: None };
        match tokio::time::timeout(limit, fragile).await {
            Ok(Some(done)) => {
                self.environments().idle.entry(function).or_default().push(store);
                Ok(done)
            }
            Ok(None) => Err(Failed::Killed),
            Err(_) => {
                self.history.met("function timed out", function);
                if mishap.is_none() {
                    self.history.violated(format!("liveness: {function} runs into its time-out"));
                }
                Err(Failed::TimedOut)
            }
        }
    }

    fn environments(&self) -> MutexGuard<'_, Environments> {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<Running<'_>, Failed> {
        let mut environments = self.environments();
        if environments.running >= self.scaling.concurrent {
            return Err(Failed::Throttled);
        }
        environments.running += 1;
        Ok(Running(self))
    }

    fn idle(&self, function: &'static str) -> Option<Store> {
        self.environments().idle.get_mut(function)?.pop()
    }

    /// Starts an environment.
    async fn start(&self, function: &'static str) -> Result<Store, Failed> {
        let tens = usize::try_from(self.time.elapsed().as_secs() / 10).unwrap_or(usize::MAX);
        let may = self.scaling.started.saturating_mul(tens.saturating_add(1));
        {
            let mut environments = self.environments();
            let started = environments.started.entry(function).or_default();
            if *started >= may {
                return Err(Failed::Throttled);
            }
            *started += 1;
        }
        if !self.scaling.cold_start.is_zero() {
            tokio::time::sleep(self.chance.about(self.scaling.cold_start, 0.3)).await;
        }
        let config = config(self.network.client())
            .endpoint_url("http://dynamodb.invalid")
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"));
        let ahead = self.chance.time(Duration::ZERO, 2 * SKEW);
        let environment = Environment {
            clock: Arc::new(Skewed { time: self.time, ahead }),
            entropy: if self.weather.short_of_ids.contains(&function) {
                Arc::new(ShortOfIds::new(self.chance.apart()))
            } else {
                Arc::new(self.chance.apart())
            },
            sign_in: None,
        };
        Ok(Store::new(Client::from_conf(config.build()), TABLE, environment))
    }

    fn mishap(&self, function: &'static str, origin: Origin) -> Option<(usize, Mishap)> {
        let now = self.time.elapsed();
        if self.weather.strikes(&self.chance, self.weather.killed, now) {
            self.history.met("killed", function);
            return Some((self.chance.below(AWAIT_POINTS), Mishap::Killed));
        }
        if self.weather.strikes(&self.chance, self.weather.frozen, now) {
            self.history.met("frozen", function);
            self.history.trouble(origin);
            let thawed = self.chance.time(Duration::ZERO, LONGEST_FREEZE);
            return Some((self.chance.below(AWAIT_POINTS), Mishap::Frozen(thawed)));
        }
        None
    }
}

/// An invocation that counts as one.
struct Running<'a>(&'a Lambda);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.environments().running -= 1;
    }
}

#[derive(Debug, Clone, Copy)]
enum Mishap {
    Killed,
    Frozen(Duration),
}

/// An invocation that something may happen to at one of its await points.
struct Fragile<F> {
    inner: Pin<Box<F>>,
    mishap: Option<(usize, Mishap)>,
    points: usize,
    frozen: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Fragile<F> {
    /// `None` if it was killed.
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(frozen) = &mut self.frozen {
            ready!(frozen.as_mut().poll(context));
            self.frozen = None;
        }
        let point = self.points;
        self.points += 1;
        match self.mishap {
            Some((at, Mishap::Killed)) if at == point => return Poll::Ready(None),
            Some((at, Mishap::Frozen(thawed))) if at == point => {
                let mut sleep = Box::pin(tokio::time::sleep(thawed));
                // It wakes the task again.
                if sleep.as_mut().poll(context).is_pending() {
                    self.frozen = Some(sleep);
                    return Poll::Pending;
                }
            }
            _ => {}
        }
        self.inner.as_mut().poll(context).map(Some)
    }
}
