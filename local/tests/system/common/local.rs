//! A system in the test's own process.

use std::net::SocketAddr;

use muster_local::{Config, System};
use tokio::runtime::Runtime;

use super::api::Api;

/// A running system, and the threads that it runs on.
pub struct Local {
    pub system: System,
    pub runtime: Runtime,
}

impl Local {
    /// One that keeps nothing.
    pub fn start() -> Self {
        Self::with(Config::in_memory())
    }

    pub fn with(config: Config) -> Self {
        let runtime = Runtime::new().unwrap();
        let system = runtime.block_on(System::start(config)).unwrap();
        Self { system, runtime }
    }

    pub fn address(&self) -> SocketAddr {
        self.system.address()
    }

    pub fn api(&self, email: &str) -> Api {
        Api { address: self.address(), jwt: self.system.token_for(email).unwrap() }
    }

    /// Stops it, requests under way included.
    pub fn stop(self) {
        self.runtime.block_on(self.system.stop());
    }
}
