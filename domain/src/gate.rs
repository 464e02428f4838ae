//! Gates: the counters that uses pass through, and the lanes that they are spread over.
//!
//! A gate's quota never moves and a use is never given back, so a gate found spent stays spent.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hostname::Hostname;
use super::timestamp::Timestamp;
use super::token::MaxUses;

/// Lanes of a team. Each is a partition of nodes and one of the gates of wide tokens.
pub const LANES: u8 = 16;
/// Gates of a wide token. A multiple of [`LANES`], so that each lane has as many.
pub const WIDE_GATES: u8 = 80;
/// A token of more uses than this, or without a limit, is wide.
pub const NARROW_USES: u32 = 128;
/// The quota of a gate of a token without a limit: more than can ever pass. A number, so that a
/// quota that is missing refuses instead of admitting.
pub const UNBOUNDED: u64 = 1 << 53;

/// One of a team's [`LANES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(u8);

impl Lane {
    /// Every lane.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANES).map(Self)
    }

    /// The lane of a node.
    pub fn of(hostname: &Hostname) -> Self {
        Self(spread(hostname, LANES))
    }

    /// Its number, below [`LANES`].
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The number of a gate of a wide token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GateNumber(u8);

impl GateNumber {
    /// The gates of a token that has `count` of them.
    pub fn all(count: u8) -> impl Iterator<Item = Self> {
        (0..count).map(Self)
    }

    /// The gate that a hostname tries first, of `count`.
    pub fn home(hostname: &Hostname, count: u8) -> Self {
        Self(spread(hostname, count))
    }

    /// This gate, or, of a token that has only `count` and not this one, another.
    #[must_use]
    pub fn within(self, count: u8) -> Self {
        Self(self.0.checked_rem(count).unwrap_or(0))
    }

    /// The lane that holds the gate.
    pub const fn lane(self) -> Lane {
        Lane(self.0 % LANES)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Spreads hostnames over `parts` by a hash that is part of the table's format and never changes.
fn spread(hostname: &Hostname, parts: u8) -> u8 {
    let digest: [u8; 32] = Sha256::digest(hostname.as_str().as_bytes()).into();
    let [.., low] = digest;
    low.checked_rem(parts).unwrap_or(0)
}

/// A counter that one use passes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Uses that passed.
    pub used: u64,
    /// Uses that may pass.
    pub quota: u64,
    /// When the gate was closed by a revoke, for good.
    pub closed_at: Option<Timestamp>,
    /// When a use last passed.
    pub last_used_at: Option<Timestamp>,
}

impl Gate {
    /// An open gate that nothing has passed.
    pub const fn new(quota: u64) -> Self {
        Self { used: 0, quota, closed_at: None, last_used_at: None }
    }

    /// What `gates` come to, closed all of them, as one.
    pub fn closed(gates: &[Self], closed_at: Timestamp) -> Self {
        let Usage { used, last_used_at } = Usage::of(gates);
        let quota = gates.iter().fold(0_u64, |sum, gate| sum.saturating_add(gate.quota));
        Self { used, quota, closed_at: Some(closed_at), last_used_at }
    }

    /// Whether nothing more can pass for want of quota.
    pub const fn is_spent(&self) -> bool {
        self.used >= self.quota
    }
}

/// Where a token's gates are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Gates {
    /// The token is its own, single gate. Tried first: what lies beside such a gate is left from
    /// a revoke that came late, and says nothing.
    Own(Gate),
    /// The token has this many gates, spread over the lanes.
    InLanes {
        /// How many.
        count: u8,
        /// What they come to, once all are closed. From then on they are put away.
        tally: Option<Gate>,
    },
}

impl Gates {
    /// What they come to, as far as that can be told without those in the lanes.
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Own(gate) | Self::InLanes { tally: Some(gate), .. } => Some(Usage::of([gate])),
            Self::InLanes { tally: None, .. } => None,
        }
    }

    /// The gates of a new token, and the quota of each that lies in a lane.
    pub fn plan(max_uses: Option<MaxUses>) -> (Self, Vec<(GateNumber, u64)>) {
        match max_uses.map(MaxUses::get) {
            Some(max) if max <= NARROW_USES => (Self::Own(Gate::new(max.into())), Vec::new()),
            limit => {
                let quota = |gate: GateNumber| match limit {
                    Some(max) => {
                        let wide = u32::from(WIDE_GATES);
                        u64::from(max / wide + u32::from(u32::from(gate.0) < max % wide))
                    }
                    None => UNBOUNDED,
                };
                let gates = GateNumber::all(WIDE_GATES).map(|gate| (gate, quota(gate))).collect();
                (Self::InLanes { count: WIDE_GATES, tally: None }, gates)
            }
        }
    }
}

/// What a token's gates add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Uses that passed through any gate.
    pub used: u64,
    /// When a use last passed through any gate.
    pub last_used_at: Option<Timestamp>,
}

impl Usage {
    /// This and one more gate.
    #[must_use]
    pub fn and(self, gate: &Gate) -> Self {
        Self {
            used: self.used.saturating_add(gate.used),
            last_used_at: self.last_used_at.max(gate.last_used_at),
        }
    }

    /// The sum over `gates`.
    pub fn of<'a>(gates: impl IntoIterator<Item = &'a Gate>) -> Self {
        gates.into_iter().fold(Self::default(), Self::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quotas_add_up_to_max_uses(max in 1_u32..=1_000_000) {
            let (gates, quotas) = Gates::plan(Some(MaxUses::try_from(u64::from(max)).unwrap()));
            let sum: u64 = match gates {
                Gates::Own(gate) => gate.quota,
                Gates::InLanes { count, .. } => {
                    prop_assert_eq!(quotas.len(), usize::from(count));
                    prop_assert!(quotas.iter().all(|(_, quota)| *quota > 0));
                    quotas.iter().map(|(_, quota)| quota).sum()
                }
            };
            prop_assert_eq!(sum, u64::from(max));
        }
    }

    #[test]
    fn the_threshold_is_where_the_design_puts_it() {
        let wide = |max: u64| {
            matches!(
                Gates::plan(Some(MaxUses::try_from(max).unwrap())).0,
                Gates::InLanes { count: 80, .. }
            )
        };
        assert!(!wide(128));
        assert!(wide(129));
        assert!(matches!(Gates::plan(None).0, Gates::InLanes { count: 80, .. }));
    }

    #[test]
    fn a_tally_beside_the_gate_that_it_has_become_says_nothing() {
        let gate = Gate::new(5);
        let mut late = serde_json::to_value(Gates::Own(gate.clone())).unwrap();
        late["tally"] = serde_json::to_value(&gate).unwrap();
        assert_eq!(serde_json::from_value::<Gates>(late).unwrap(), Gates::Own(gate));
    }

    #[test]
    fn every_lane_has_as_many_gates() {
        for lane in Lane::all() {
            let there = GateNumber::all(WIDE_GATES).filter(|gate| gate.lane() == lane).count();
            assert_eq!(there, usize::from(WIDE_GATES / LANES));
        }
    }

    #[test]
    fn the_hash_is_fixed_for_ever() {
        let lane = |name: &str| Lane::of(&name.parse().unwrap()).number();
        // The last hex digit of `printf web-1 | sha256sum`. Another hash would lose every node.
        assert_eq!([lane("web-1"), lane("web-2"), lane("db.example.com")], [7, 2, 3]);
    }
}
