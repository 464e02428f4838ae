//! The service that a test calls.

use std::time::Duration;

use muster_local::{Config, System};
use muster_tests::table::Contents;
use muster_tests::wire::Wire;
use muster_tests::world::a_place;

use super::api::Api;

/// How long what goes on in the background may take: on one machine seconds, in the cloud minutes.
const PATIENCE: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(20)];

/// A URL that the environment names, if it does.
fn setting(name: &str) -> Option<String> {
    let url = std::env::var(name).ok().filter(|url| !url.is_empty())?;
    Some(url.trim_end_matches('/').to_owned())
}

/// How many machines of a fleet come at once: here all of them; elsewhere each of them may take a
/// process of its own, and a machine like this one has to bear that.
const FLEET: [usize; 2] = [usize::MAX, 8];

/// A running service.
pub(crate) struct Service {
    pub(crate) api: Api,
    /// How many requests at once it is to bear.
    pub(crate) at_once: usize,
    patience: Duration,
    _system: Option<System>,
}

impl Service {
    /// The one at `MUSTER_URL`, or a new one in this process.
    pub(crate) async fn start() -> Self {
        let [here, elsewhere] = PATIENCE;
        let [all, some] = FLEET;
        if let Some(url) = setting("MUSTER_URL") {
            let issuer = setting("MUSTER_ISSUER").unwrap_or_else(|| url.clone());
            Self { api: Api::new(&url, &issuer), at_once: some, patience: elsewhere, _system: None }
        } else {
            let config = Config { data: a_place(), ..Config::in_memory() };
            let system = System::start(config).await.unwrap();
            let api = Api::new(system.url(), system.url());
            Self { api, at_once: all, patience: here, _system: Some(system) }
        }
    }

    /// What is there before long.
    pub(crate) async fn eventually<T>(&self, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let look = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(self.patience, look).await.expect("it comes about in time")
    }
}

/// A service in this process whose table, and whose every call to DynamoDB, the test sees.
pub(crate) struct Watched {
    pub(crate) api: Api,
    pub(crate) wire: Wire,
    system: System,
}

impl Watched {
    /// Nothing goes on in it but what a request does.
    pub(crate) async fn start() -> Self {
        let wire = Wire::new();
        let config = Config {
            http: Some(wire.client()),
            schedule: Duration::from_hours(1),
            data: a_place(),
            ..Config::in_memory()
        };
        let system = System::start(config).await.unwrap();
        Self { api: Api::new(system.url(), system.url()), wire, system }
    }

    /// What lies in the table.
    pub(crate) async fn contents(&self) -> Contents {
        Contents::read(self.system.engine()).await
    }
}
