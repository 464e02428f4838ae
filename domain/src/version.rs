//! Optimistic locking.

use serde::{Deserialize, Serialize};

/// Names one state of an item: drawn at random with every write, so that a condition on it holds
/// only while the item is, in all its parts, the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// A version from random bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}
