//! Why a system does not start, and what to do about it, in one line.

use std::io;
use std::path::PathBuf;

use crate::engine::EngineError;

/// Why a system does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `PORT` is no port.
    #[error("PORT is {0:?}; set it to a number from 0 (any free port) to 65535")]
    BadPort(String),
    /// Somebody else listens there.
    #[error(
        "port {0} of 127.0.0.1 is in use; stop what listens there, or choose another, \
         such as PORT=8001 (PORT=0 takes any that is free)"
    )]
    PortInUse(u16),
    /// The port can't be had for another reason.
    #[error("port {0} of 127.0.0.1 can't be had ({1}); choose another, such as PORT=8001")]
    Port(u16, #[source] io::Error),
    /// The data directory can't be made or written to.
    #[error("{path} can't be used ({1}); make it writable, or choose another with DATA_DIR", path = .0.display())]
    DataDir(PathBuf, #[source] io::Error),
    /// Another system uses the data directory.
    #[error(
        "another muster-local uses {path}; stop it, or choose another directory with DATA_DIR",
        path = .0.display()
    )]
    DataDirInUse(PathBuf),
    /// The database does not open.
    #[error(
        "{path} can't be opened ({1}); put a good copy in its place, or move it away to begin anew",
        path = .0.display()
    )]
    Database(PathBuf, #[source] EngineError),
    /// There is no database to be had.
    #[error("there is no database: {0}")]
    Engine(#[source] EngineError),
    /// The issuer's key is not to be read, or not to be made.
    #[error("{path} can't be used ({1}); remove it, and another is made", path = .0.display())]
    Key(PathBuf, String),
    /// Two endpoints want the same path.
    #[error("the route of {0}: {1}")]
    Route(&'static str, String),
    /// The table's stream is not to be read.
    #[error("the stream of the database: {0}")]
    Stream(String),
    /// The operating system gives no threads or signals.
    #[error("the operating system refuses what every server needs: {0}")]
    Runtime(#[source] io::Error),
    /// A key can't be made.
    #[error("the development issuer's key can't be made: {0}")]
    NoKey(String),
}
