//! The directory in which everything lies that outlasts the process. Only its owner sees into it,
//! and only one system at a time uses it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::StartError;

/// A data directory in use.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The lock goes with the process, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is not there, and takes it into use.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        let unusable = |error| StartError::DataDir(path.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        // From here on nothing depends on the current directory, nor does a name read as a URI.
        let absolute = std::path::absolute(path).map_err(unusable)?;
        let lock = private().truncate(false).open(absolute.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: absolute, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DataDirInUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// The database's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("muster.db")
    }

    /// The development issuer's key.
    pub(crate) fn issuer_key(&self) -> PathBuf {
        self.path.join("issuer-key.pem")
    }

    /// How far the stream has been handled.
    pub(crate) fn stream_position(&self) -> PathBuf {
        self.path.join("stream-position.json")
    }
}

/// Puts `content` into a file that only its owner reads: all of it or, if the process dies, none.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = private().truncate(true).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}
