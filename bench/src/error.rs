//! Why a measurement did not come about, in one line.

use std::io;
use std::path::PathBuf;

use muster_local::engine::EngineError;

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binary is not there.
    #[error("{path} can't be started ({1}); build it with `make bench-cold`", path = .0.display())]
    NotStarted(PathBuf, #[source] io::Error),
    /// The function's process ended, or said that it can't go on.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function did nothing for a long time.
    #[error("the function did not {0} within {1} seconds")]
    Late(&'static str, u64),
    /// It answered with something else than what was measured.
    #[error("the function answered {0}, so the figures would be of something else")]
    Unexpected(String),
    /// The embedded database does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The endpoint's certificate can't be made.
    #[error("the endpoint's certificate: {0}")]
    Certificate(String),
    /// There is no team or token to register with.
    #[error("the table is not to be filled: {0}")]
    Scene(String),
    /// `infra/prices.json` is not what it has to be.
    #[error("infra/prices.json: {0}")]
    Prices(String),
    /// `template.yaml` does not say what costs something.
    #[error("template.yaml: {0}")]
    Template(String),
    /// The operating system refuses something.
    #[error("{0}: {1}")]
    System(&'static str, #[source] io::Error),
}

impl Error {
    /// A table that is not to be filled.
    #[expect(clippy::needless_pass_by_value, reason = "as an error is given to `map_err`")]
    pub fn scene(why: impl ToString) -> Self {
        Self::Scene(why.to_string())
    }
}
