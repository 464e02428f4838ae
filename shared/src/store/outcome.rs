//! What a cancelled transaction means. Pure.

use super::session::Halt;
use super::table::{Fault, Reason};

impl From<Vec<Reason>> for Halt {
    /// A cancellation that a use case has no answer of its own to: what was read does not stand
    /// any more, so read again; unless an action can't succeed at all.
    fn from(reasons: Vec<Reason>) -> Self {
        match broken(&reasons) {
            Some(fault) => fault.into(),
            None => Self::Again,
        }
    }
}

fn broken(reasons: &[Reason]) -> Option<Fault> {
    reasons.iter().find_map(|reason| match reason {
        Reason::Broken(message) => Some(Fault(message.clone())),
        Reason::None | Reason::Condition(_) | Reason::Conflict | Reason::Throttled => None,
    })
}

/// Whether the condition of the action at `position` did not hold.
pub(super) fn is_blocked(reasons: &[Reason], position: usize) -> bool {
    matches!(reasons.get(position), Some(Reason::Condition(_)))
}

/// Whether the condition of the action at `position` did not hold, and no other action was at fault:
/// then, and only then, all else was as read.
pub(super) fn is_blocked_alone(reasons: &[Reason], position: usize) -> bool {
    is_blocked(reasons, position)
        && reasons.iter().enumerate().all(|(n, reason)| n == position || *reason == Reason::None)
}

/// What became of an enrollment's transaction: the node, then the address, then the gate.
#[derive(Debug, PartialEq)]
pub(super) enum Enrollment {
    /// The node is not as read, or about to change. Read again.
    NodeChanged,
    /// Another device has the address.
    AddressTaken,
    /// The gate is spent or closed. Only a fresh read makes that final.
    GateRefused,
    /// For want of capacity, or because another transaction has the gate. Nothing that was read is
    /// known to have changed: the same may pass through another gate.
    Busy,
    /// It can't succeed.
    Broken(String),
}

/// Which actions an enrollment's transaction has, in this order: node, address, gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Actions {
    pub(super) address: bool,
    pub(super) gate: bool,
}

impl Actions {
    /// Judges the positional reasons of a cancelled transaction.
    pub(super) fn judge(self, reasons: &[Reason]) -> Enrollment {
        let mut reasons_left = reasons.iter();
        let node = reasons_left.next().unwrap_or(&Reason::None);
        let mut next_if = |present: bool| {
            let reason = if present { reasons_left.next() } else { None };
            reason.unwrap_or(&Reason::None)
        };
        let address = next_if(self.address);
        let gate = next_if(self.gate);
        if let Some(Fault(message)) = broken(reasons) {
            return Enrollment::Broken(message);
        }
        match (node, address, gate) {
            (Reason::Condition(_), _, _) => Enrollment::NodeChanged,
            (_, Reason::Condition(_), _) => Enrollment::AddressTaken,
            (_, _, Reason::Condition(_)) => Enrollment::GateRefused,
            (Reason::Conflict, _, _) | (_, Reason::Conflict, _) => Enrollment::NodeChanged,
            _ => Enrollment::Busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Reason = Reason::Condition(None);
    const TAKEN: Reason = Reason::Conflict;
    const THROTTLED: Reason = Reason::Throttled;
    const FINE: Reason = Reason::None;

    fn judge(reasons: &[Reason; 3]) -> Enrollment {
        Actions { address: true, gate: true }.judge(reasons)
    }

    #[test]
    fn the_node_is_judged_before_the_address_and_the_address_before_the_gate() {
        assert_eq!(judge(&[FAILED, FAILED, FAILED]), Enrollment::NodeChanged);
        assert_eq!(judge(&[FINE, FAILED, FAILED]), Enrollment::AddressTaken);
        assert_eq!(judge(&[FINE, FINE, FAILED]), Enrollment::GateRefused);
        assert_eq!(judge(&[FAILED, FINE, TAKEN]), Enrollment::NodeChanged);
    }

    #[test]
    fn what_another_transaction_may_change_is_read_again_and_all_else_is_sent_again() {
        assert_eq!(judge(&[FINE, FINE, TAKEN]), Enrollment::Busy);
        assert_eq!(judge(&[THROTTLED, FINE, TAKEN]), Enrollment::Busy);
        assert_eq!(judge(&[FINE, THROTTLED, FINE]), Enrollment::Busy);
        assert_eq!(judge(&[TAKEN, FINE, TAKEN]), Enrollment::NodeChanged);
        assert_eq!(judge(&[FINE, TAKEN, TAKEN]), Enrollment::NodeChanged);
        assert_eq!(judge(&[THROTTLED, FINE, FAILED]), Enrollment::GateRefused);
    }

    #[test]
    fn the_position_depends_on_which_actions_there_are() {
        let no_address = Actions { address: false, gate: true };
        assert_eq!(no_address.judge(&[FINE, FAILED]), Enrollment::GateRefused);
        let no_gate = Actions { address: true, gate: false };
        assert_eq!(no_gate.judge(&[FINE, FAILED]), Enrollment::AddressTaken);
    }

    #[test]
    fn a_refusal_for_one_action_is_none_while_another_was_busy() {
        assert!(is_blocked_alone(&[FINE, FAILED], 1));
        assert!(!is_blocked_alone(&[TAKEN, FAILED], 1));
        assert!(!is_blocked_alone(&[FAILED, FAILED], 1));
        assert!(!is_blocked_alone(&[FINE, FINE], 1));
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        let broken = Reason::Broken("too large".to_owned());
        assert_eq!(judge(&[FAILED, broken, FINE]), Enrollment::Broken("too large".to_owned()));
    }
}
