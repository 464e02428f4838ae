//! What a device says of itself from time to time.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::text::{AgentVersion, OperatingSystem};

/// Heartbeats that come closer together count as one.
pub const APART: Duration = Duration::from_mins(1);
/// Addresses that a device may name.
pub const MAX_ADDRESSES: usize = 16;

/// A heartbeat. What it leaves out is not known any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The operating system, if not the one that it registered with.
    pub os: Option<OperatingSystem>,
    /// The version of what sends the heartbeats.
    pub agent_version: Option<AgentVersion>,
    /// The addresses of its interfaces.
    pub addresses: Addresses,
}

/// The addresses of a device's interfaces: at most 16, each once, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<IpAddr>")]
pub struct Addresses(Vec<IpAddr>);

impl Addresses {
    /// The addresses in order.
    pub fn as_slice(&self) -> &[IpAddr] {
        &self.0
    }
}

impl TryFrom<Vec<IpAddr>> for Addresses {
    type Error = Invalid;

    fn try_from(given: Vec<IpAddr>) -> Result<Self, Invalid> {
        if given.len() > MAX_ADDRESSES {
            return Err(Invalid("must be at most 16 addresses"));
        }
        Ok(Self(crate::each_once(given)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_once_and_not_too_many_of_them() {
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        let twice = Addresses::try_from(vec![address(1), address(2), address(1)]).unwrap();
        assert_eq!(twice.as_slice(), [address(1), address(2)]);
        assert!(Addresses::try_from((0..16).map(address).collect::<Vec<_>>()).is_ok());
        assert!(Addresses::try_from((0..17).map(address).collect::<Vec<_>>()).is_err());
    }
}
