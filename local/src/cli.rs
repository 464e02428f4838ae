//! The program: a system until somebody stops it.

use std::io::{self, Write};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Data};
use crate::error::StartError;
use crate::system::System;
use crate::{log, welcome};

/// Runs a system as the environment says, until Ctrl-C or SIGTERM.
pub fn run() -> ExitCode {
    log::init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.map_err(StartError::Runtime).and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if stderr is gone.
            let _ = writeln!(io::stderr(), "muster-local: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), StartError> {
    let mut interrupted = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
    let config = Config::from_environment()?;
    let data = match &config.data {
        Data::InMemory | Data::At { .. } => None,
        Data::Directory(path) => Some(path.clone()),
    };
    let system = System::start(config).await?;
    // Whoever has closed stdout does not want to read it.
    let _ = io::stdout().write_all(welcome::text(system.url(), data.as_deref()).as_bytes());
    let _ = io::stdout().flush();
    let signal = tokio::select! {
        _ = interrupted.recv() => "SIGINT",
        _ = terminated.recv() => "SIGTERM",
    };
    tracing::info!(signal, "stopping");
    tokio::select! {
        () = system.stop() => {}
        // Whoever asks twice does not want to wait.
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
