//! 6. After a member is removed, every token of that membership is revoked and every node it sponsors
//!    is gone. What is others' is untouched.

use std::collections::BTreeSet;

use crate::dynamodb::{at, text};
use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let ended: BTreeSet<_> = evidence
        .changes_of("MEMBER#")
        .filter_map(|change| {
            let old = text(change.old.as_deref()?, "membership")?;
            let new = change.new.as_deref().and_then(|new| text(new, "membership"));
            (new != Some(old)).then_some(old)
        })
        .collect();
    let is_ended = |membership: Option<&str>| membership.is_some_and(|m| ended.contains(m));
    for token in evidence.items_of("TOKEN#") {
        let id = text(token, "id").unwrap_or_default();
        if is_ended(text(token, "membership")) {
            if !token.contains_key("revocation") {
                broken.push(format!("gone means gone: {id} is not revoked"));
            }
            let lanes = evidence.items_of("GATE#").filter(|gate| text(gate, "token") == Some(id));
            let gates =
                lanes.chain([token].into_iter().filter(|token| at(token, "gate.quota").is_some()));
            if gates.into_iter().any(|gate| at(gate, "gate.closed_at").is_none()) {
                broken.push(format!("gone means gone: {id} has an open gate"));
            }
        }
    }
    for node in evidence.items_of("NODE#") {
        if is_ended(text(node, "sponsor.membership")) {
            broken.push(format!("gone means gone: {:?} is there", text(node, "hostname")));
        }
    }
    for removal in evidence.items_of("REMOVAL#") {
        if at(removal, "completed_at").is_none() {
            broken.push(format!("gone means gone: not completed: {removal:?}"));
        }
        let membership = text(removal, "membership");
        if !is_ended(membership) {
            broken.push(format!("gone means gone: {membership:?} is removed and has not ended"));
        }
    }
    untouched(evidence, &is_ended, &mut broken);
    broken
}

/// What a sweep took belonged to a membership that had ended.
fn untouched(
    evidence: &Evidence,
    is_ended: &dyn Fn(Option<&str>) -> bool,
    broken: &mut Vec<String>,
) {
    for change in &evidence.changes {
        let swept = evidence.request_of(change).is_some_and(|r| matches!(r.want, Want::Cascade));
        let Some(old) = change.old.as_deref().filter(|_| swept) else { continue };
        let whose = if change.key.sk.starts_with("NODE#") {
            text(old, "sponsor.membership")
        } else if change.key.sk.starts_with("TOKEN#") {
            text(old, "membership")
        } else {
            continue;
        };
        if !is_ended(whose) {
            broken.push(format!("gone means gone: {} was touched", change.key));
        }
    }
}
