//! The directory in which this machine, or whoever is signed in on it, keeps what nobody else may read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Bytes that a file may have.
const LARGEST: u64 = 1024 * 1024;

/// The directory.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// The directory, while no other `muster` may change it.
pub(crate) struct Locked<'a> {
    home: &'a Home,
    _lock: File,
}

impl Home {
    /// The directory that was given, or the one that is usual for this user.
    pub(crate) fn find(given: Option<PathBuf>) -> Result<Self, Failure> {
        let variable =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let usual = || {
            if rustix::process::geteuid().is_root() {
                return Some(PathBuf::from("/var/lib/muster"));
            }
            let state = variable("XDG_STATE_HOME");
            let state = state.or_else(|| Some(variable("HOME")?.join(".local/state")));
            Some(state?.join("muster"))
        };
        let found = given.or_else(|| variable("MUSTER_STATE_DIR")).or_else(usual);
        found.map(Self).ok_or_else(|| {
            Failure::Usage("there is no HOME to keep the state in: give `--state-dir`".to_owned())
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is kept in a file, if it is there.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let path = self.0.join(name);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::state(path, &error)),
        };
        let metadata = file.metadata().map_err(|error| Failure::state(&path, &error))?;
        if metadata.mode() & 0o077 != 0 {
            let why =
                format!("others may read what is secret in it: run `chmod 600 {}`", path.display());
            return Err(Failure::state(path, &why));
        }
        let mut text = Zeroizing::new(String::new());
        let read = (&mut file).take(LARGEST).read_to_string(&mut text);
        read.map_err(|error| Failure::state(&path, &error))?;
        serde_json::from_str(&text).map(Some).map_err(|_| self.torn(name))
    }

    /// What is said of a file that can't be what was written.
    pub(crate) fn torn(&self, name: &str) -> Failure {
        let why =
            "muster has not written this, or it is torn: move it away, and join or sign in again";
        Failure::state(self.0.join(name), why)
    }

    /// Keeps others from changing what is there; waits while another does.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|error| Failure::state(&self.0, &error))?;
        let path = self.0.join("lock");
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let lock = opened.and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(|error| Failure::state(path, &error))?;
        Ok(Locked { home: self, _lock: lock })
    }
}

impl Locked<'_> {
    /// Writes a file, all of it or nothing.
    pub(crate) fn write(&self, name: &str, content: &impl Serialize) -> Result<(), Failure> {
        let path = self.home.0.join(name);
        let failed = |error: std::io::Error| Failure::state(&path, &error);
        let text = serde_json::to_string_pretty(content).map_err(|error| failed(error.into()))?;
        let text = Zeroizing::new(text);
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(&self.home.0).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        File::open(&self.home.0).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    /// Removes a file. Tells whether it was there.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, Failure> {
        let path = self.home.0.join(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::state(path, &error)),
        }
    }
}
