//! 1. At most `max_uses` distinct nodes ever enroll through a token.

use std::collections::{BTreeMap, BTreeSet};

use crate::dynamodb::number;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut let_in: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, node, token) in evidence.uses() {
        let_in.entry(token).or_default().insert(node);
    }
    for (_, token, answer) in evidence.registrations().filter(|(.., answer)| answer.is_success()) {
        let_in.entry(token).or_default().insert(answer.text("id"));
    }
    for token in &evidence.tokens {
        let nodes = let_in.get(token.id.as_str()).map_or(0, BTreeSet::len);
        let nodes = u64::try_from(nodes).unwrap_or(u64::MAX).saturating_add(token.worn);
        if token.max_uses.is_some_and(|max| nodes > max) {
            broken.push(format!("never more: {} let {nodes} nodes in", token.id));
        }
    }
    for gate in evidence.items_of("GATE#").chain(evidence.items_of("TOKEN#")) {
        if number(gate, "gate.used") > number(gate, "gate.quota") {
            broken.push(format!("never more: {gate:?}"));
        }
    }
    broken
}
