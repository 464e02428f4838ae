//! Who looks sees what is there: all that was there before they asked, and nothing that was gone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::dynamodb::{Change, text};
use crate::request::Want;
use crate::world::Evidence;

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
    broken
}

fn is_of(change: &Change, team: &str) -> bool {
    change.key.pk.strip_prefix("TEAM#").and_then(|of| of.split('#').next()) == Some(team)
}
