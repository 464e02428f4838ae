//! A system: the functions, the DynamoDB behind them, and the network in between.

use std::sync::Arc;

use muster_local::gateway::Front;
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::client::Api;
use crate::clock::Time;
use crate::dynamodb::{Change, DynamoDb, Settings};
use crate::history::History;
use crate::lambda::{Lambda, Scaling};
use crate::mutation::Mutation;
use crate::network::Network;
use crate::weather::Weather;

/// Why a system does not begin.
pub(crate) type Error = Box<dyn std::error::Error>;

/// A system that begins when it is made.
pub(crate) struct System {
    pub(crate) time: Time,
    pub(crate) weather: Arc<Weather>,
    pub(crate) history: Arc<History>,
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) lambda: Arc<Lambda>,
}

impl System {
    /// A system, and the changes of its table as they become visible.
    pub(crate) fn begin(
        chance: &Chance,
        weather: Weather,
        settings: Settings,
        scaling: Scaling,
        mutation: Option<Mutation>,
        traced: bool,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Arc<Change>>), Error> {
        let time = Time::begin();
        let weather = Arc::new(weather);
        let history = Arc::new(History::new(time, traced));
        let (stream, changes) = mpsc::unbounded_channel();
        let dynamodb = DynamoDb::new(time, chance.apart(), Arc::clone(&weather), settings, stream)?;
        let dynamodb = Arc::new(dynamodb);
        let network = Arc::new(Network {
            dynamodb: Arc::clone(&dynamodb),
            time,
            chance: chance.apart(),
            weather: Arc::clone(&weather),
            history: Arc::clone(&history),
            mutation,
        });
        let lambda = Arc::new(Lambda::new(network, chance.apart(), scaling));
        Ok((Self { time, weather, history, dynamodb, lambda }, changes))
    }

    /// Its API, as clients see it.
    pub(crate) fn api(&self, chance: Chance) -> Result<Arc<Api>, Error> {
        Ok(Arc::new(Api {
            lambda: Arc::clone(&self.lambda),
            front: Front::new()?,
            time: self.time,
            chance,
            weather: Arc::clone(&self.weather),
            history: Arc::clone(&self.history),
        }))
    }
}

/// Runs something to its end on paused time.
pub(crate) fn run<T>(world: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(world)
}
