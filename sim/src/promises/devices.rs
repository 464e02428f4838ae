//! A device that speaks for itself is heard, as often as counts, and told what is so.

use muster_shared::domain::heartbeat::APART;
use muster_shared::domain::timestamp::Timestamp;

use crate::clock::Time;
use crate::dynamodb::{Change, Item, number, text};
use crate::request::{Device, Want, public_key};
use crate::world::Evidence;

use super::is_of;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for change in evidence.changes_of("NODE#") {
        let by = evidence.request_of(change).map(|request| &request.want);
        let Some(Want::Beat(device)) = by else { continue };
        let heard = |item: Option<&Item>| item.and_then(|item| number(item, "last_seen_at"));
        let heard = heard(change.old.as_deref()).zip(heard(change.new.as_deref()));
        if heard.is_none_or(|(before, now)| now < before + APART.as_secs()) {
            broken.push(format!("devices: {device} was heard of twice at once, or out of nothing"));
        }
    }
    for (n, attempt, request) in evidence.attempts() {
        let (Want::Beat(device) | Want::SeeOwn(device) | Want::Leave(device)) = &request.want
        else {
            continue;
        };
        let Some((answered, answer)) = &attempt.answer else { continue };
        let (mut was_there, mut was_away) = (false, true);
        let until = evidence.changes_of("NODE#").take_while(|change| change.at <= *answered);
        for change in until.filter(|change| is_node_of(change, device)) {
            let is_own = |node: &Item| text(node, "public_key") == Some(&public_key(device.key));
            let is_there = change.new.as_deref().is_some_and(is_own);
            let is_before = change.at <= attempt.sent;
            was_there = is_there || (was_there && !is_before);
            was_away = !is_there || (was_away && !is_before);
        }
        if answer.is_success() && !was_there {
            broken.push(format!("devices: attempt {n}, {request}, spoke for nobody"));
        }
        if answer.code() == "not-found" && !was_away {
            broken.push(format!("devices: attempt {n}, {request}, was told that it is not there"));
        }
        let heard = || answer.text("last_seen_at").parse::<Timestamp>();
        let is_late = || Time::second(attempt.sent).before(APART);
        if matches!(request.want, Want::Beat(_))
            && answer.is_success()
            && heard().is_ok_and(|heard| heard <= is_late())
        {
            broken.push(format!("devices: attempt {n}, {request}, was not heard"));
        }
    }
    broken
}

fn is_node_of(change: &Change, device: &Device) -> bool {
    is_of(change, &device.team) && change.key.sk.strip_prefix("NODE#") == Some(&device.hostname)
}
