//! Private addresses of devices.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Invalid;
use super::hostname::Hostname;
use super::id::TeamId;

/// An address of 100.64.0.0/10 (RFC 6598) that a device may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Ipv4Addr", try_from = "Ipv4Addr")]
pub struct PrivateIp(Ipv4Addr);

const FIRST: u32 = Ipv4Addr::new(100, 64, 0, 0).to_bits();
const LAST: u32 = Ipv4Addr::new(100, 127, 255, 255).to_bits();

/// What no device gets, first and last address of each range, in order: the ends of the block, and
/// ranges that other overlay networks and Chrome OS keep for themselves.
const RESERVED: [(u32, u32); 5] = [
    (FIRST, FIRST),
    (Ipv4Addr::new(100, 100, 0, 0).to_bits(), Ipv4Addr::new(100, 100, 0, 255).to_bits()),
    (Ipv4Addr::new(100, 100, 100, 0).to_bits(), Ipv4Addr::new(100, 100, 100, 255).to_bits()),
    (Ipv4Addr::new(100, 115, 92, 0).to_bits(), Ipv4Addr::new(100, 115, 93, 255).to_bits()),
    (LAST, LAST),
];

/// How many addresses a team has.
pub const POOL: u32 = {
    let mut size = LAST - FIRST + 1;
    let mut i = 0;
    while i < RESERVED.len() {
        #[expect(clippy::indexing_slicing, reason = "bounded by the loop; iterators are not const")]
        let (first, last) = RESERVED[i];
        size -= last - first + 1;
        i += 1;
    }
    size
};

impl PrivateIp {
    /// The address that a hostname tries `attempt`-th. The same for ever, so that a machine that
    /// comes back gets its old address if it is free.
    pub fn of(team: TeamId, hostname: &Hostname, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(team.as_bytes());
        hash.update(attempt.to_be_bytes());
        hash.update(hostname.as_str().as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let head = digest.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        let drawn = head % u64::from(POOL);
        Self::nth(u32::try_from(drawn).unwrap_or(0))
    }

    /// The address at `index` of the pool, which is below [`POOL`].
    fn nth(index: u32) -> Self {
        let mut bits = FIRST + index;
        for (first, last) in RESERVED {
            if bits >= first {
                bits += last - first + 1;
            }
        }
        Self(Ipv4Addr::from_bits(bits))
    }
}

impl From<PrivateIp> for Ipv4Addr {
    fn from(ip: PrivateIp) -> Self {
        ip.0
    }
}

impl TryFrom<Ipv4Addr> for PrivateIp {
    type Error = Invalid;

    fn try_from(ip: Ipv4Addr) -> Result<Self, Invalid> {
        let bits = ip.to_bits();
        let reserved = RESERVED.iter().any(|(first, last)| (*first..=*last).contains(&bits));
        if (FIRST..=LAST).contains(&bits) && !reserved {
            Ok(Self(ip))
        } else {
            Err(Invalid("is not an address that a device may have"))
        }
    }
}

impl std::fmt::Display for PrivateIp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pool_is_the_block_less_what_is_reserved() {
        assert_eq!(POOL, (1 << 22) - 2 - 256 - 256 - 512);
        assert_eq!(PrivateIp::nth(0).to_string(), "100.64.0.1");
        assert_eq!(PrivateIp::nth(POOL - 1).to_string(), "100.127.255.254");
    }

    #[test]
    fn neighbours_of_a_reserved_range_are_one_apart_in_the_pool() {
        let before = PrivateIp::try_from(Ipv4Addr::new(100, 115, 91, 255)).unwrap();
        let index = (0..POOL).find(|n| PrivateIp::nth(*n) == before).unwrap();
        assert_eq!(PrivateIp::nth(index + 1).to_string(), "100.115.94.0");
    }

    proptest! {
        #[test]
        fn every_draw_is_an_address_a_device_may_have(index in 0..POOL, team: [u8; 8], attempt: u32) {
            prop_assert!(PrivateIp::try_from(PrivateIp::nth(index).0).is_ok());
            let host: Hostname = "web-1".parse().unwrap();
            let drawn = PrivateIp::of(TeamId::from_bytes(team), &host, attempt);
            prop_assert!(PrivateIp::try_from(drawn.0).is_ok());
        }
    }

    #[test]
    fn another_attempt_draws_another_address() {
        let host: Hostname = "web-1".parse().unwrap();
        let draw = |attempt| PrivateIp::of(TeamId::from_bytes([1; 8]), &host, attempt);
        assert_ne!(draw(0), draw(1));
        assert_eq!(draw(0), draw(0));
    }
}
