//! Who looks sees what is there: all that was there before they asked, and nothing that was gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::dynamodb::{Change, Item, number, text};
use crate::request::Want;
use crate::world::Evidence;

use super::is_of;

/// What is looked at: the path, the sort keys of the items, their attribute that tells them apart, the
/// name of the list, and the field that tells its entries apart.
const LISTS: [(&str, &str, &str, &str, &str); 4] = [
    ("nodes", "NODE#", "id", "nodes", "id"),
    ("registration-tokens", "TOKEN#", "id", "tokens", "id"),
    ("members", "MEMBER#", "membership", "members", "membership_id"),
    ("removals", "REMOVAL#", "membership", "removals", "membership_id"),
];

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (n, attempt, request) in evidence.attempts() {
        let Want::See { team, what } = &request.want else { continue };
        let Some((answered, answer)) = attempt.answer.as_ref().filter(|(_, a)| a.is_success())
        else {
            continue;
        };
        let Some((_, prefix, attribute, list, field)) = LISTS.iter().find(|of| of.0 == *what)
        else {
            continue;
        };
        let listed = answer.body.get(*list).and_then(Value::as_array).into_iter().flatten();
        let listed: BTreeSet<_> = listed.filter_map(|entry| entry.get(*field)?.as_str()).collect();
        let (mut there, mut changed) = (BTreeSet::new(), BTreeSet::new());
        let until = evidence.changes_of(prefix).take_while(|change| change.at <= *answered);
        for change in until.filter(|change| is_of(change, team)) {
            let old = change.old.as_deref().and_then(|item| text(item, attribute));
            let new = change.new.as_deref().and_then(|item| text(item, attribute));
            if change.at <= attempt.sent {
                old.map(|id| there.remove(id));
                there.extend(new);
            } else if old != new {
                changed.extend(old.into_iter().chain(new));
            }
        }
        let is_whole = answer.body.get("next_cursor").is_none_or(Value::is_null);
        if let Some(missed) = there.difference(&listed).find(|id| !changed.contains(*id))
            && is_whole
        {
            broken.push(format!("seen: attempt {n}, {request}, does not show {missed}"));
        }
        if let Some(gone) = listed.difference(&there).find(|id| !changed.contains(*id)) {
            broken.push(format!("seen: attempt {n}, {request}, shows {gone}, which is not there"));
        }
    }
    miscounted(evidence, &mut broken);
    broken
}

/// How often a token was used is told as it was at some time between question and answer.
fn miscounted(evidence: &Evidence, broken: &mut Vec<String>) {
    let uses = |item: &Item| number(item, "gate.used");
    let token = |change: &Change| {
        let of = change.new.as_deref()?;
        text(of, "token").or_else(|| text(of, "id")).map(str::to_owned)
    };
    let mut counted: BTreeMap<String, Vec<(Duration, u64)>> = BTreeMap::new();
    for change in evidence.changes_of("GATE#").chain(evidence.changes_of("TOKEN#")) {
        let (old, new) =
            (change.old.as_deref().and_then(uses), change.new.as_deref().and_then(uses));
        if let (Some(old), Some(new), Some(token)) = (old, new, token(change)) {
            counted.entry(token).or_default().push((change.at, new.saturating_sub(old)));
        }
    }
    let until = |token: &str, when: Duration| -> u64 {
        let of = counted.get(token).into_iter().flatten();
        of.filter(|(at, _)| *at <= when).map(|(_, uses)| uses).sum()
    };
    for (n, attempt, request) in evidence.attempts() {
        let Some((answered, answer)) = attempt.answer.as_ref().filter(|(_, a)| a.is_success())
        else {
            continue;
        };
        let listed = answer.body.get("tokens").and_then(Value::as_array).into_iter().flatten();
        for shown in listed.chain([&answer.body]) {
            let id = shown.get("id").and_then(Value::as_str).unwrap_or_default();
            let Some(uses) = shown.get("use_count").and_then(Value::as_u64) else { continue };
            let (least, most) = (until(id, attempt.sent), until(id, *answered));
            if !(least..=most).contains(&uses) {
                broken.push(format!(
                    "seen: attempt {n}, {request}, shows {uses} uses of {id}, not {least} to {most}"
                ));
            }
        }
    }
}
