//! Why there is no count, or why it is not good, in one line.

use std::io;

/// Why `bench-warm` fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("usage: bench-warm [--write-baseline | PART TIMES]")]
    Usage,
    #[error("valgrind is missing: install it (Debian: `apt-get install valgrind`)")]
    NoValgrind,
    #[error("valgrind does not start ({0})")]
    Valgrind(#[source] io::Error),
    #[error("valgrind failed on the part {0}: {1}")]
    Failed(&'static str, String),
    #[error("bench/warm/baseline.json: {0}")]
    Baseline(String),
    #[error("{0}; if that is meant, `make bench-warm-baseline` writes it down")]
    Off(String),
    #[error("the part did not do what is counted: {0}")]
    Work(String),
}

impl Error {
    /// A part that went wrong.
    pub(crate) fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }
}
