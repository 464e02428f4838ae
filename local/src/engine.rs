//! The DynamoDB that a system stands on: the embedded one, dynoxide, spoken to over loopback as the
//! real one is, so that its own checks of every request apply; or another, at a URL.

mod json_api;
mod retention;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedHttpClient};
use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::errors::DynoxideError;
use muster_shared::environment::Environment;
use muster_shared::lambda;
use muster_shared::store::Store;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use json_api::CallError;
pub(crate) use json_api::JsonApi;

/// The name of the embedded engine's table.
pub const TABLE: &str = "muster";
/// The table as the template has it, in the spelling of `CreateTable`.
const DEFINITION: &str = include_str!("../../infra/table.json");

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database is not to be opened, or not to be used.
    #[error("the embedded database: {}", first_sentence(.0))]
    Database(#[from] DynoxideError),
    /// The database's file is not to be made.
    #[error("{0}")]
    File(#[source] io::Error),
    /// The database's path is not UTF-8.
    #[error("the path of the embedded database is not UTF-8")]
    Path,
    /// The table's definition is not one.
    #[error("infra/table.json: {0}")]
    Definition(#[from] serde_json::Error),
    /// There is no port to be had on loopback.
    #[error("the embedded database's port: {0}")]
    Port(#[from] io::Error),
    /// The engine at a URL does not do what it is asked to.
    #[error("the DynamoDB at {0}: {1}")]
    Elsewhere(String, #[source] CallError),
}

/// What the engine says, without its advice to those who call it from Rust.
fn first_sentence(error: &DynoxideError) -> String {
    let text = error.to_string();
    text.split(". ").next().unwrap_or_default().to_owned()
}

/// A running engine with Muster's table. It stops when it is dropped.
#[derive(Clone)]
pub struct Engine {
    endpoint: String,
    table: Arc<str>,
    file: Option<Arc<str>>,
    _server: Option<Arc<Server>>,
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
        Self::start(Database::memory()?, None).await
    }

    /// An engine over a file, which is made if it is not there.
    pub async fn open(file: &Path) -> Result<Self, EngineError> {
        if !file.try_exists().map_err(EngineError::File)? {
            make(file)?;
        }
        let path = text(file)?;
        Self::start(Database::new(path)?, Some(path.into())).await
    }

    async fn start(database: Database, file: Option<Arc<str>>) -> Result<Self, EngineError> {
        create_table(&database)?;
        let listener = listen().await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let server = Server(tokio::spawn(dynoxide::server::serve_on(listener, database)));
        Ok(Self { endpoint, table: TABLE.into(), file, _server: Some(Arc::new(server)) })
    }

    /// The engine at a URL, which checks no signatures, with the table of this name, which is made
    /// if it is not there.
    pub async fn at(url: &str, table: &str) -> Result<Self, EngineError> {
        let engine =
            Self { endpoint: url.to_owned(), table: table.into(), file: None, _server: None };
        let mut table = definition(table)?;
        let expiry = table.remove("TimeToLiveSpecification");
        let expiry = json!({ "TableName": engine.table(), "TimeToLiveSpecification": expiry });
        let api = engine.json_api();
        let made = match api.call("DynamoDB_20120810.CreateTable", &table.into()).await {
            Ok(_) => api.call("DynamoDB_20120810.UpdateTimeToLive", &expiry).await.map(drop),
            Err(error) if error.is("ResourceInUseException") => Ok(()),
            Err(error) => Err(error),
        };
        made.map_err(|error| EngineError::Elsewhere(url.to_owned(), error))?;
        Ok(engine)
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The engine's API as JSON.
    pub(crate) fn json_api(&self) -> JsonApi {
        JsonApi::new(&self.endpoint)
    }

    /// Where it listens, as `http://127.0.0.1:8000`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of the engine.
    pub fn client(&self) -> Client {
        self.client_over(lambda::http())
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
        Store::new(self.client(), self.table(), environment)
    }

    /// Deletes what DynamoDB would not keep in the stream any longer. Whoever calls it has handled
    /// all of that.
    pub(crate) async fn trim_stream(&self) {
        let Some(file) = self.file.clone() else { return };
        // The database dates its records itself.
        let now = Environment::system().clock.now().as_unix();
        let trimmed = tokio::task::spawn_blocking(move || retention::trim(&file, now)).await;
        if let Ok(Err(error)) = trimmed {
            tracing::warn!(%error, "old stream records are not deleted");
        }
    }
}

/// Listens on loopback, where it can on an address of its own that nobody guesses: the engine
/// answers any web page of the machine's browser that finds it (it sends CORS headers).
async fn listen() -> io::Result<TcpListener> {
    let mut address = [0; 3];
    Environment::system().entropy.fill(&mut address);
    let [b, c, d] = address;
    match TcpListener::bind((Ipv4Addr::new(127, b, c, d), 0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    }
}

/// Makes the file of an engine, whole: the table and its stream are not made in one step, and a
/// process that dies in between must not leave one without the other.
fn make(file: &Path) -> Result<(), EngineError> {
    let draft = file.with_extension("new");
    for leftover in ["new", "new-wal", "new-shm"] {
        match fs::remove_file(file.with_extension(leftover)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EngineError::File(error));
            }
            _ => {}
        }
    }
    let path = text(&draft)?;
    let database = Database::new(path)?;
    create_table(&database)?;
    retention::index(path)?;
    // The last one to close it puts everything into the one file.
    drop(database);
    fs::rename(draft, file).map_err(EngineError::File)
}

fn text(path: &Path) -> Result<&str, EngineError> {
    path.to_str().ok_or(EngineError::Path)
}

fn create_table(database: &Database) -> Result<(), EngineError> {
    if database.get_table_metadata(TABLE)?.is_some() {
        return Ok(());
    }
    let definition = Value::Object(definition(TABLE)?);
    let expiry: UpdateTimeToLiveRequest = serde_json::from_value(definition.clone())?;
    let table: CreateTableRequest = serde_json::from_value(definition)?;
    database.create_table(table)?;
    database.update_time_to_live(expiry)?;
    Ok(())
}

/// The `CreateTable` request that makes a table of this name, as the template has it.
pub fn definition(table: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut definition: Map<String, Value> = serde_json::from_str(DEFINITION)?;
    definition.insert("TableName".to_owned(), table.into());
    Ok(definition)
}
