//! The service that a test calls.

use std::time::Duration;

use muster_local::{Config, System};
use muster_tests::table::Contents;
use muster_tests::wire::Wire;

use super::api::Api;

/// How long what goes on in the background may take: on one machine seconds, in the cloud minutes.
const PATIENCE: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(20)];

/// A running service.
pub(crate) struct Service {
    pub(crate) api: Api,
    patience: Duration,
    _system: Option<System>,
}

impl Service {
    /// The one at `MUSTER_URL`, or a new one in this process.
    pub(crate) async fn start() -> Self {
        let [here, elsewhere] = PATIENCE;
        match std::env::var("MUSTER_URL").ok().filter(|url| !url.is_empty()) {
            Some(url) => Self {
                api: Api::new(url.trim_end_matches('/')),
                patience: elsewhere,
                _system: None,
            },
            None => {
                let system = System::start(Config::in_memory()).await.unwrap();
                Self { api: Api::new(system.url()), patience: here, _system: Some(system) }
            }
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
            ..Config::in_memory()
        };
        let system = System::start(config).await.unwrap();
        Self { api: Api::new(system.url()), wire, system }
    }

    /// What lies in the table.
    pub(crate) async fn contents(&self) -> Contents {
        Contents::read(&self.system.engine().client()).await
    }
}
