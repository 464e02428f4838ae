//! 3. Once a revoke has answered, no request that starts later succeeds with that token, and nothing
//!    passes its gates. Expiry holds to the second. Revoked is permanent, and nodes already enrolled stay.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{SKEW, Time};
use crate::dynamodb::{Item, number, text};
use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut revoked: BTreeMap<&str, Duration> = BTreeMap::new();
    for (_, attempt, request) in evidence.attempts() {
        if let (Want::Revoke(token), Some((when, answer))) = (&request.want, &attempt.answer)
            && answer.is_success()
        {
            let first = revoked.entry(&token.id).or_insert(*when);
            *first = (*first).min(*when);
        }
    }
    for (attempt, token, answer) in evidence.registrations() {
        if revoked.get(token).is_some_and(|when| attempt.sent > *when) && answer.is_success() {
            broken.push(format!(
                "never after: {} let in by the revoked {token}",
                answer.text("hostname")
            ));
        }
    }
    for (_, attempt, request) in evidence.attempts() {
        let Want::Register { token, .. } = &request.want else { continue };
        let Some((when, answer)) = &attempt.answer else { continue };
        let Some(expiry) = token.expires_at else { continue };
        // A clock is ahead by up to twice the skew.
        let began = Time::second(attempt.sent).as_unix();
        if answer.is_success() && began >= expiry {
            broken.push(format!(
                "never after: {} let in by the expired {}",
                answer.text("hostname"),
                token.id
            ));
        }
        let ended = Time::second(*when + 2 * SKEW).as_unix();
        if answer.code() == "token-expired" && ended < expiry {
            broken.push(format!("never after: {} expired too early", token.id));
        }
    }
    for change in evidence.changes_of("NODE#") {
        let by = evidence.request_of(change).map(|request| &request.want);
        let Some(Want::Register { token, .. }) = by else { continue };
        let transaction = change.transaction.as_ref();
        let sent = transaction.and_then(|t| evidence.history.sent.get(t.token.as_ref()));
        if let (Some(expiry), Some(sent)) = (token.expires_at, sent)
            && Time::second(*sent).as_unix() >= expiry
        {
            let (node, id) = (&change.key, &token.id);
            broken.push(format!("never after: {node} was written when {id} had expired"));
        }
    }
    // Nothing passes any more, not even what had read the token before.
    for change in evidence.changes_of("GATE#").chain(evidence.changes_of("TOKEN#")) {
        let used = |item: Option<&Item>| item.and_then(|item| number(item, "gate.used"));
        let Some(item) = change.new.as_deref() else { continue };
        let token = text(item, "token").or_else(|| text(item, "id")).unwrap_or_default();
        if used(change.old.as_deref()).is_some_and(|before| used(Some(item)) > Some(before))
            && revoked.get(token).is_some_and(|when| change.at > *when)
        {
            broken.push(format!("never after: a use passed the revoked {token}"));
        }
    }
    for change in evidence.changes_of("TOKEN#") {
        let revocation =
            |item: Option<&Item>| item.and_then(|item| item.get("revocation").cloned());
        let before = revocation(change.old.as_deref());
        if before.is_some() && before != revocation(change.new.as_deref()) {
            broken.push(format!("never after: the revocation of {} changed", change.key.sk));
        }
    }
    for change in evidence.changes_of("NODE#").filter(|change| change.new.is_none()) {
        let by = evidence.request_of(change).map(|request| &request.want);
        if !matches!(by, Some(Want::RemoveNode { .. } | Want::Leave(_) | Want::Cascade)) {
            let node = change.old.as_deref().and_then(|old| text(old, "hostname"));
            broken.push(format!("never after: {node:?} was removed by {by:?}"));
        }
    }
    broken
}
