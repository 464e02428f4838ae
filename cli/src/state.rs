//! What this machine keeps: its key, and where it has joined.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::device_key::DeviceKey;
use crate::failure::Failure;
use crate::node::Node;

/// Bytes that the state may have.
const LARGEST: u64 = 1024 * 1024;

/// The directory that the state is kept in.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// The state.
pub(crate) struct State {
    /// This machine's own key.
    pub(crate) key: DeviceKey,
    /// Where it has joined.
    pub(crate) joined: Option<Joined>,
}

/// Where a machine has joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined {
    /// The address of the control plane.
    pub(crate) control: String,
    /// The node that it is there.
    pub(crate) node: Node,
}

/// The state as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    key: Zeroizing<String>,
    joined: Option<Joined>,
}

/// The state, while no other `muster` may change it.
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

    fn file(&self) -> PathBuf {
        self.0.join("state.json")
    }

    /// What is kept, if anything is.
    pub(crate) fn read(&self) -> Result<Option<State>, Failure> {
        let path = self.file();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::state(path, &error)),
        };
        let metadata = file.metadata().map_err(|error| Failure::state(&path, &error))?;
        if metadata.mode() & 0o077 != 0 {
            let why =
                format!("others may read this machine's key: run `chmod 600 {}`", path.display());
            return Err(Failure::state(path, &why));
        }
        let mut text = Zeroizing::new(String::new());
        let read = (&mut file).take(LARGEST).read_to_string(&mut text);
        read.map_err(|error| Failure::state(&path, &error))?;
        let torn = || {
            let why = "this is no state of muster, or it is torn: move it away and join again";
            Failure::state(&path, why)
        };
        let Written { key, joined } = serde_json::from_str(&text).map_err(|_| torn())?;
        Ok(Some(State { key: DeviceKey::from_text(&key).ok_or_else(torn)?, joined }))
    }

    /// Where this machine has joined, and its key.
    pub(crate) fn joined(&self) -> Result<(DeviceKey, Joined), Failure> {
        match self.read()? {
            Some(State { key, joined: Some(joined) }) => Ok((key, joined)),
            _ => Err(Failure::NotJoined),
        }
    }

    /// Keeps others from changing the state; waits while another does.
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
    /// Writes the state down, all of it or nothing.
    pub(crate) fn write(&self, state: &State) -> Result<(), Failure> {
        let path = self.home.file();
        let written = Written { key: state.key.to_text(), joined: state.joined.clone() };
        let failed = |error: std::io::Error| Failure::state(&path, &error);
        let text = serde_json::to_string_pretty(&written).map_err(|error| failed(error.into()))?;
        let text = Zeroizing::new(text);
        let directory: &Path = &self.home.0;
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}
