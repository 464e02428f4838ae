//! What this machine keeps: its key, and where it has joined.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::device_key::DeviceKey;
use crate::failure::Failure;
use crate::home::{Home, Locked};
use crate::node::Node;

const FILE: &str = "state.json";

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

impl State {
    /// What is kept, if anything is.
    pub(crate) fn read(home: &Home) -> Result<Option<Self>, Failure> {
        let Some(Written { key, joined }) = home.read(FILE)? else { return Ok(None) };
        let key = DeviceKey::from_text(&key).ok_or_else(|| home.torn(FILE))?;
        Ok(Some(Self { key, joined }))
    }

    /// Where this machine has joined, and its key.
    pub(crate) fn joined(home: &Home) -> Result<(DeviceKey, Joined), Failure> {
        match Self::read(home)? {
            Some(Self { key, joined: Some(joined) }) => Ok((key, joined)),
            _ => Err(Failure::NotJoined),
        }
    }

    /// Writes it down.
    pub(crate) fn write(&self, locked: &Locked<'_>) -> Result<(), Failure> {
        let written = Written { key: self.key.to_text(), joined: self.joined.clone() };
        locked.write(FILE, &written)
    }
}
