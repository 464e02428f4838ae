//! Whether operations that overlapped in time can be told in an order in which each is what a
//! sequential object would have done (Herlihy and Wing, TOPLAS 1990), found by depth-first search
//! with a memory of the configurations already seen (Lowe, "Testing for linearizability", 2017).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

/// A sequential object.
pub(super) trait Model {
    /// What it is.
    type State: Clone + Eq + Hash;
    /// What is done to it, together with what came of it.
    type Operation: Debug;

    /// The object afterwards, if what came of it is what comes of it in this state.
    fn step(state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;
}

/// An operation, when it was called, and by when it had happened.
#[derive(Debug)]
pub(super) struct Timed<O> {
    pub(super) called: Duration,
    pub(super) done: Duration,
    pub(super) operation: O,
}

/// Whether the operations can be told in order.
pub(super) fn is_linearizable<M: Model>(
    beginning: M::State,
    operations: &[Timed<M::Operation>],
) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![(vec![false; operations.len()], beginning)];
    while let Some((told, state)) = open.pop() {
        let left = || operations.iter().zip(&told).enumerate().filter(|(_, (_, told))| !**told);
        // Whatever is told next was called before every other that is left had happened.
        let Some(horizon) = left().map(|(_, (operation, _))| operation.done).min() else {
            return true;
        };
        for (n, (operation, _)) in left() {
            if operation.called > horizon {
                continue;
            }
            if let Some(next) = M::step(&state, &operation.operation) {
                let mut told = told.clone();
                if let Some(told) = told.get_mut(n) {
                    *told = true;
                }
                if seen.insert((told.clone(), next.clone())) {
                    open.push((told, next));
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Register;

    #[derive(Debug)]
    enum Operation {
        Write(u8),
        Read(u8),
    }
    use Operation::{Read, Write};

    impl Model for Register {
        type State = u8;
        type Operation = Operation;

        fn step(state: &u8, operation: &Operation) -> Option<u8> {
            match operation {
                Write(value) => Some(*value),
                Read(value) => (state == value).then_some(*state),
            }
        }
    }

    fn tell(operations: Vec<(u64, u64, Operation)>) -> bool {
        let timed = operations.into_iter().map(|(called, done, operation)| Timed {
            called: Duration::from_secs(called),
            done: Duration::from_secs(done),
            operation,
        });
        is_linearizable::<Register>(0, &timed.collect::<Vec<_>>())
    }

    #[test]
    fn what_overlaps_may_be_told_either_way() {
        assert!(tell(vec![(0, 9, Write(1)), (1, 2, Read(0)), (3, 4, Read(1))]));
        assert!(tell(vec![(0, 9, Write(1)), (0, 9, Write(2)), (1, 2, Read(2)), (3, 4, Read(1))]));
    }

    #[test]
    fn what_was_over_is_not_told_later() {
        assert!(!tell(vec![(0, 1, Write(1)), (2, 3, Read(0))]));
        assert!(!tell(vec![(0, 9, Write(1)), (1, 2, Read(1)), (3, 4, Read(0))]));
    }
}
