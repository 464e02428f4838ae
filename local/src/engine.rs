//! The embedded DynamoDB: dynoxide, spoken to over loopback as the real one is, so that its own
//! checks of every request apply.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedHttpClient};
use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::errors::DynoxideError;
use muster_shared::environment::Environment;
use muster_shared::lambda;
use muster_shared::store::Store;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The table's name.
pub const TABLE: &str = "muster";
/// The table as the template has it, in the spelling of `CreateTable`.
const DEFINITION: &str = include_str!("../../infra/table.json");

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database is not to be opened, or not to be used.
    #[error("the embedded database: {0}")]
    Database(#[from] DynoxideError),
    /// The table's definition is not one.
    #[error("infra/table.json: {0}")]
    Definition(#[from] serde_json::Error),
    /// There is no port to be had on loopback.
    #[error("the embedded database's port: {0}")]
    Port(#[from] std::io::Error),
}

/// A running engine with Muster's table. It stops when it is dropped.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    endpoint: String,
    _server: Arc<Server>,
}

struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    /// An engine whose table is gone with it.
    pub async fn in_memory() -> Result<Self, EngineError> {
        Self::start(Database::memory()?).await
    }

    /// An engine over a file, which is made if it is not there.
    pub async fn open(file: &Path) -> Result<Self, EngineError> {
        Self::start(Database::new(&file.to_string_lossy())?).await
    }

    async fn start(database: Database) -> Result<Self, EngineError> {
        create_table(&database)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Ok(Self { database, endpoint, _server: Arc::new(Server(server)) })
    }

    /// The database itself, for what is not read through the client: its stream.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// A client of the engine.
    pub fn client(&self) -> Client {
        self.client_over(aws_smithy_http_client::Builder::new().build_http())
    }

    /// A client of the engine that speaks through `http`.
    pub fn client_over(&self, http: SharedHttpClient) -> Client {
        let config = lambda::config(http)
            .endpoint_url(&self.endpoint)
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"));
        Client::from_conf(config.build())
    }

    /// The store over the table.
    pub fn store(&self, environment: Environment) -> Store {
        Store::new(self.client(), TABLE, environment)
    }
}

fn create_table(database: &Database) -> Result<(), EngineError> {
    if database.get_table_metadata(TABLE)?.is_some() {
        return Ok(());
    }
    let mut definition: Value = serde_json::from_str(DEFINITION)?;
    definition["TableName"] = TABLE.into();
    let expiry: UpdateTimeToLiveRequest = serde_json::from_value(definition.clone())?;
    let table: CreateTableRequest = serde_json::from_value(definition)?;
    database.create_table(table)?;
    database.update_time_to_live(expiry)?;
    Ok(())
}
