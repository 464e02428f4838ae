//! Who is told to come back later was served for as long as a request may take, and not without a
//! reason.

use std::time::Duration;

use muster_shared::store::DEADLINE;

use crate::request::Want;
use crate::world::Evidence;

/// Within so long of the end, something stood in the way, be it only others who were faster.
const LATELY: Duration = Duration::from_secs(4);

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (n, attempt, request) in evidence.attempts() {
        let Some((answered, answer)) = &attempt.answer else { continue };
        if answer.code() != "busy" {
            continue;
        }
        if *answered < attempt.sent + DEADLINE {
            broken.push(format!("liveness: attempt {n}, {request}, was given up too soon"));
        }
        // Who does not find the member any more after a call that was not answered waits for the
        // removal, if it did not remove them.
        let waits = matches!(request.want, Want::RemoveMember { .. })
            && !evidence.changes.iter().any(|change| change.origin == n);
        let lately = if waits { Duration::ZERO } else { answered.saturating_sub(LATELY) };
        let mut troubles = evidence.history.troubles.iter().filter(|trouble| trouble.by == n);
        if !troubles.any(|trouble| trouble.until >= lately) {
            broken.push(format!("liveness: attempt {n}, {request}, was given up for no reason"));
        }
    }
    broken
}
