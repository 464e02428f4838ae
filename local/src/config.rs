//! How a system is to run.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;
use muster_shared::environment::Environment;
use muster_shared::store::Patience;

use crate::error::StartError;

const PORT: u16 = 8000;
const DATA_DIR: &str = ".muster";
/// What is minutes in the cloud is seconds on one machine, where somebody waits for it.
const SETTLE: Duration = Duration::from_secs(2);
const WATCH: Duration = Duration::from_hours(1);
const SCHEDULE: Duration = Duration::from_secs(3);
const STREAM: Duration = Duration::from_millis(200);

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Gone when the system stops.
    InMemory,
    /// In a directory, which is made if it is not there.
    Directory(PathBuf),
    /// In a table of another DynamoDB, which is made if it is not there.
    At {
        /// Where that listens, such as `http://127.0.0.1:4566`.
        url: String,
        /// The table's name.
        table: String,
    },
}

/// How a system is to run.
#[derive(Clone)]
pub struct Config {
    /// Where the data is.
    pub data: Data,
    /// The port on 127.0.0.1; 0 is one that is free.
    pub port: u16,
    /// The clock and the randomness.
    pub environment: Environment,
    /// How long a removal is looked after.
    pub patience: Patience,
    /// How often unfinished removals are swept.
    pub schedule: Duration,
    /// How often the stream is looked at while nothing happens.
    pub stream: Duration,
    /// What the store speaks to the embedded DynamoDB through, if not a client of its own.
    pub http: Option<SharedHttpClient>,
}

impl Config {
    /// A system on a free port whose data is gone when it stops.
    pub fn in_memory() -> Self {
        Self::new(Data::InMemory, 0)
    }

    /// A system on a free port whose data is in a directory.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self::new(Data::Directory(directory.into()), 0)
    }

    /// What `PORT` and `DATA_DIR` say.
    pub fn from_environment() -> Result<Self, StartError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let directory = set("DATA_DIR").map_or_else(|| PathBuf::from(DATA_DIR), PathBuf::from);
        let port = match set("PORT") {
            None => PORT,
            Some(port) => port
                .to_str()
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| StartError::BadPort(port.to_string_lossy().into_owned()))?,
        };
        Ok(Self::new(Data::Directory(directory), port))
    }

    fn new(data: Data, port: u16) -> Self {
        Self {
            data,
            port,
            environment: Environment::system(),
            patience: Patience { settle: SETTLE, watch: WATCH },
            schedule: SCHEDULE,
            stream: STREAM,
            http: None,
        }
    }
}
