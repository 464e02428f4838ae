//! The whole system, running.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use muster_shared::domain::principal::Email;
use muster_shared::environment::{Environment, SignIn};
use muster_shared::store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, Data};
use crate::data_dir::DataDir;
use crate::engine::Engine;
use crate::error::StartError;
use crate::gateway::Gateway;
use crate::issuer::{self, Issuer, Key};
use crate::stream::{Feed, Place};
use crate::sweeper;

/// How long requests that are under way may take when the system stops: as long as a function.
const GRACE: Duration = Duration::from_secs(10);

/// A running system. Dropped, it stops at once; [`System::stop`] lets requests finish.
pub struct System {
    address: SocketAddr,
    issuer: Arc<Issuer>,
    store: Store,
    tasks: JoinSet<()>,
    stopping: watch::Sender<bool>,
    engine: Engine,
    _data_dir: Option<DataDir>,
}

impl System {
    /// Starts a system.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let data_dir = match &config.data {
            Data::InMemory | Data::At { .. } => None,
            Data::Directory(path) => Some(DataDir::open(path)?),
        };
        let listener = listen(config.port).await?;
        let address = listener.local_addr().map_err(|e| StartError::Port(config.port, e))?;
        let engine = match (&data_dir, &config.data) {
            (None, Data::At { url, table }) => {
                Engine::at(url, table).await.map_err(StartError::Engine)?
            }
            (None, _) => Engine::in_memory().await.map_err(StartError::Engine)?,
            (Some(data), _) => {
                let file = data.database();
                let opened = Engine::open(&file).await;
                opened.map_err(|error| StartError::Database(file, error))?
            }
        };
        let (key, place) = match &data_dir {
            None => (Key::of_process()?, Place::Nowhere),
            Some(data) => (Key::in_file(&data.issuer_key())?, Place::File(data.stream_position())),
        };
        let client = match config.http {
            None => engine.client(),
            Some(http) => engine.client_over(http),
        };
        let clock = Arc::clone(&config.environment.clock);
        let issuer = Arc::new(Issuer::new(format!("http://{address}"), key, clock));
        let sign_in =
            SignIn { issuer: issuer.url().to_owned(), client_id: issuer::AUDIENCE.to_owned() };
        let environment = Environment { sign_in: Some(sign_in), ..config.environment };
        let store = Store::new(client, engine.table(), environment);
        let gateway = Gateway::new(store.clone(), &issuer, address.port())?;
        let feed = Feed::new(&engine, place, store.clone(), config.patience, config.stream)
            .await
            .map_err(|error| StartError::Stream(error.to_string()))?;

        let (stopping, stop) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let app = gateway.router(Arc::clone(&issuer));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, app).with_graceful_shutdown(stopped(stop.clone()));
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server failed");
            }
        });
        tasks.spawn(until_stopped(stop.clone(), feed.run()));
        let sweeper = sweeper::run(store.clone(), config.patience, config.schedule);
        tasks.spawn(until_stopped(stop, sweeper));
        Ok(Self { address, issuer, store, tasks, stopping, engine, _data_dir: data_dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `http://127.0.0.1:8000`.
    pub fn url(&self) -> &str {
        self.issuer.url()
    }

    /// The issuer of the JWTs that it accepts.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The ID token of a person with this verified address; `None` if it is no address.
    pub fn token_for(&self, email: &str) -> Option<String> {
        email.parse::<Email>().ok().map(|email| self.issuer.id_token(&email))
    }

    /// The store that the endpoints use.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The DynamoDB that it stands on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes no more requests, lets those under way finish, and stops.
    pub async fn stop(mut self) {
        let _ = self.stopping.send(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("stopped before all requests were finished");
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::PortInUse(port)),
        Err(error) => Err(StartError::Port(port, error)),
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A system that was dropped is stopped, too.
    let _ = stop.wait_for(|stopping| *stopping).await;
}

async fn until_stopped(stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stopped(stop) => {}
        () = work => {}
    }
}
