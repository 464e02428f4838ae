//! The removal of a member, until nothing of theirs is left.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{MembershipId, TeamId};
use super::principal::Principal;
use super::timestamp::Timestamp;

/// How long after a sweep that found nothing another one must find nothing too. The items of a
/// transaction do not become visible in one instant; this is far more than they take.
pub const SETTLE: Duration = Duration::from_mins(1);
/// How long the schedule goes on sweeping after the removal is done.
pub const WATCH: Duration = Duration::from_hours(1);

/// A removal and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The membership that ended.
    pub membership: MembershipId,
    /// Whose it was.
    pub principal: Principal,
    /// When it ended.
    pub requested_at: Timestamp,
    /// Who ended it.
    pub requested_by: Principal,
    /// Tokens revoked with it.
    pub tokens_revoked: u64,
    /// Nodes removed with it.
    pub nodes_removed: u64,
    /// How often sweeps have found something to do.
    pub findings: u64,
    /// Since when sweeps have found nothing more to do.
    pub clean_since: Option<Timestamp>,
    /// When the removal was done.
    pub completed_at: Option<Timestamp>,
}

/// The state of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Tokens and nodes are being revoked and removed.
    Running,
    /// Nothing of the membership is left.
    Done,
}

impl State {
    /// The state as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

impl Removal {
    /// A removal at its beginning.
    pub fn new(
        membership: MembershipId,
        principal: Principal,
        by: Principal,
        at: Timestamp,
    ) -> Self {
        Self {
            membership,
            principal,
            requested_at: at,
            requested_by: by,
            tokens_revoked: 0,
            nodes_removed: 0,
            findings: 0,
            clean_since: None,
            completed_at: None,
        }
    }

    /// Its state.
    pub fn state(&self) -> State {
        if self.completed_at.is_some() { State::Done } else { State::Running }
    }

    /// The removal after a sweep that began at `began`, ended at `ended` and did `work` things.
    #[must_use]
    pub fn after_sweep(
        mut self,
        work: u64,
        began: Timestamp,
        ended: Timestamp,
        settle: Duration,
    ) -> Self {
        match self.clean_since {
            _ if work > 0 => {
                self.clean_since = None;
                self.completed_at = None;
            }
            None => self.clean_since = Some(ended),
            Some(since) if began.since(since) >= settle && self.completed_at.is_none() => {
                self.completed_at = Some(ended);
            }
            Some(_) => {}
        }
        self
    }

    /// Where the removal stands in the list of a team's removals, the newest first.
    pub fn place(&self) -> Place {
        Place { requested_at: self.requested_at, membership: self.membership }
    }

    /// Whether the schedule may stop looking: it is done, and this sweep, begun at `began`, was
    /// clean long after.
    pub fn may_rest(&self, began: Timestamp, watch: Duration) -> bool {
        self.completed_at.is_some_and(|done| began.since(done) >= watch)
    }
}

/// Where a removal stands among a team's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    requested_at: Timestamp,
    membership: MembershipId,
}

/// A removal that the schedule still looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The team.
    pub team: TeamId,
    /// The membership that ended.
    pub membership: MembershipId,
    /// Since when.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn removal() -> Removal {
        let who: Principal = "a@b".parse().unwrap();
        Removal::new(MembershipId::from_bytes([1; 8]), who.clone(), who, at(0))
    }

    #[test]
    fn one_clean_sweep_is_not_enough_and_two_at_once_are_not_either() {
        let settle = Duration::from_mins(1);
        let first = removal().after_sweep(0, at(10), at(11), settle);
        assert_eq!(first.state(), State::Running);
        let early = first.after_sweep(0, at(70), at(71), settle);
        assert_eq!(early.state(), State::Running);
        let second = early.after_sweep(0, at(71), at(72), settle);
        assert_eq!(second.state(), State::Done);
    }

    #[test]
    fn work_found_late_starts_it_over() {
        let settle = Duration::from_mins(1);
        let done =
            removal().after_sweep(0, at(0), at(1), settle).after_sweep(0, at(61), at(62), settle);
        assert_eq!(done.state(), State::Done);
        let again = done.after_sweep(1, at(100), at(101), settle);
        assert_eq!(again.state(), State::Running);
        assert_eq!(again.clean_since, None);
    }

    #[test]
    fn the_schedule_rests_only_long_after() {
        let settle = Duration::from_mins(1);
        let done =
            removal().after_sweep(0, at(0), at(1), settle).after_sweep(0, at(61), at(62), settle);
        assert!(!done.may_rest(at(62 + 3599), WATCH));
        assert!(done.may_rest(at(62 + 3600), WATCH));
    }
}
