//! 6. After a member is removed, every token of that membership is revoked and every node it sponsors
//!    is gone. What is others' is untouched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use muster_shared::domain::timestamp::Timestamp;

use crate::clock::Time;
use crate::dynamodb::{Change, Item, at, number, text};
use crate::request::Want;
use crate::world::Evidence;

/// By how much the clocks of functions may have the time between two sweeps look longer.
const CLOCKS: Duration = Duration::from_secs(5);

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
    for member in evidence.items_of("MEMBER#") {
        if is_ended(text(member, "membership")) {
            broken.push(format!("gone means gone: back in an ended stay: {member:?}"));
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
    counted(evidence, &mut broken);
    clean_since_the_last_finding(evidence, &mut broken);
    done_when_done(evidence, &mut broken);
    broken
}

/// A removal says what was done for it.
fn counted(evidence: &Evidence, broken: &mut Vec<String>) {
    for removal in evidence.items_of("REMOVAL#") {
        let membership = text(removal, "membership");
        let swept = |change: &&Arc<Change>| {
            let is_swept =
                evidence.request_of(change).is_some_and(|r| matches!(r.want, Want::Cascade));
            let old = change.old.as_deref().filter(|_| is_swept && change.new.is_none());
            old.is_some_and(|node| text(node, "sponsor.membership") == membership)
        };
        let nodes = evidence.changes_of("NODE#").filter(swept).count();
        let tokens = evidence.items_of("TOKEN#");
        let tokens = tokens.filter(|token| text(token, "revocation.removal") == membership).count();
        let says = |name| number(removal, name).and_then(|n| usize::try_from(n).ok());
        if says("nodes_removed") != Some(nodes) || says("tokens_revoked") != Some(tokens) {
            broken.push(format!(
                "gone means gone: {nodes} nodes and {tokens} tokens went with {removal:?}"
            ));
        }
    }
}

/// A removal is clean only since nothing more was found. No clock is behind.
fn clean_since_the_last_finding(evidence: &Evidence, broken: &mut Vec<String>) {
    let mut found = BTreeMap::new();
    for change in evidence.changes_of("REMOVAL#") {
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        let findings = |item: Option<&Item>| item.and_then(|item| number(item, "findings"));
        if findings(new) > findings(old) {
            found.insert(&change.key, Time::second(change.at));
        }
        let clean = new.and_then(|new| text(new, "clean_since")?.parse().ok());
        let clean = clean.map(Timestamp::from_unix);
        if clean.is_some_and(|clean| found.get(&change.key).is_some_and(|found| clean < *found)) {
            broken.push(format!("gone means gone: more was found since it was clean: {new:?}"));
        }
    }
}

/// A removal is done only when nothing more is found: not while something is, and not before all is
/// visible that was done before.
fn done_when_done(evidence: &Evidence, broken: &mut Vec<String>) {
    // What a transaction has decided is visible by then, as far as the store counts on it.
    let visible = evidence.patience.settle.saturating_sub(CLOCKS);
    for change in evidence.changes_of("REMOVAL#") {
        let Some(removal) = change.new.as_deref() else { continue };
        if at(removal, "completed_at").is_none() {
            continue;
        }
        if at(removal, "clean_since").is_none() {
            broken.push(format!("gone means gone: done though just found: {removal:?}"));
        }
        let membership = text(removal, "membership");
        let appeared = evidence.changes.iter().find(|later| {
            let whose = later.new.as_deref().and_then(|new| match &later.key.sk {
                node if node.starts_with("NODE#") => text(new, "sponsor.membership"),
                token if token.starts_with("TOKEN#") && later.old.is_none() => {
                    text(new, "membership")
                }
                _ => None,
            });
            let late = later.at.saturating_sub(later.decided());
            later.at > change.at && whose == membership && late < visible
        });
        if let Some(later) = appeared {
            broken.push(format!("gone means gone: {} came when all was done", later.key));
        }
    }
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
