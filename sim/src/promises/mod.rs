//! The eight promises, looked for in what is left of a world: its history, every change of its
//! table, and what lies in it at the end. Beside them, what everything rests on: that nothing is
//! broken inside, and that each token lived one life that can be told in order.

mod authority;
mod devices;
mod gone_means_gone;
mod life;
mod linearizable;
mod never_after;
mod never_elsewhere;
mod never_more;
mod never_shown;
mod never_taken_over;
mod never_twice;
mod one_address_one_device;
mod patience;
mod seen;
mod sound;
mod truth;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::dynamodb::{Change, Item, at, text};
use crate::history::{Answer, Attempt};
use crate::request::{Request, Want};
use crate::world::Evidence;

/// Every way in which a promise was broken.
pub(crate) fn broken(evidence: &Evidence) -> Vec<String> {
    let checks: [fn(&Evidence) -> Vec<String>; 15] = [
        never_more::check,
        never_twice::check,
        never_after::check,
        never_shown::check,
        never_elsewhere::check,
        gone_means_gone::check,
        never_taken_over::check,
        one_address_one_device::check,
        authority::check,
        devices::check,
        life::check,
        sound::check,
        patience::check,
        seen::check,
        truth::check,
    ];
    let mut broken = evidence.history.violations.clone();
    broken.extend(checks.into_iter().flat_map(|check| check(evidence)));
    broken
}

impl Evidence {
    /// The attempts, each with its number as an origin and its request.
    fn attempts(&self) -> impl Iterator<Item = (u64, &Attempt, &Request)> {
        let numbered = (1..).zip(&self.history.attempts);
        numbered.filter_map(|(n, attempt)| {
            Some((n, attempt, self.history.requests.get(attempt.request)?))
        })
    }

    /// The request on whose behalf a change was made.
    fn request_of(&self, change: &Change) -> Option<&Request> {
        let attempt = usize::try_from(change.origin).ok()?.checked_sub(1)?;
        self.history.requests.get(self.history.attempts.get(attempt)?.request)
    }

    /// The registrations that were answered, with the token's id.
    fn registrations(&self) -> impl Iterator<Item = (&Attempt, &str, &Answer)> {
        self.attempts().filter_map(|(_, attempt, request)| match &request.want {
            Want::Register { token, .. } => {
                let (_, answer) = attempt.answer.as_ref()?;
                Some((attempt, token.id.as_str(), answer))
            }
            _ => None,
        })
    }

    /// When all of what was changed together was visible.
    fn visible(&self, change: &Change) -> Duration {
        let Some(transaction) = &change.transaction else { return change.at };
        let is_same = |other: &&Arc<Change>| {
            other.transaction.as_ref().is_some_and(|of| of.token == transaction.token)
        };
        self.changes.iter().filter(is_same).map(|other| other.at).max().unwrap_or(change.at)
    }

    /// The changes of items whose sort key begins so.
    fn changes_of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Change>> {
        self.changes.iter().filter(move |change| change.key.sk.starts_with(prefix))
    }

    /// The items whose sort key begins so.
    fn items_of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Item> {
        let of = self.items.iter().filter(move |(key, _)| key.sk.starts_with(prefix));
        of.map(|(_, item)| item.as_ref())
    }

    /// The uses that were counted: each when, by whom, for which node, on which token.
    fn uses(&self) -> impl Iterator<Item = (&Arc<Change>, &str, &str)> {
        self.changes_of("NODE#").flat_map(|change| {
            let new = change.new.as_deref();
            let node = new.and_then(|new| text(new, "id")).unwrap_or_default();
            let before = change.old.as_deref().filter(|old| text(old, "id") == Some(node));
            let before: Vec<_> = before.into_iter().flat_map(counted).collect();
            let now = new.into_iter().flat_map(counted);
            now.filter(move |token| !before.contains(token)).map(move |token| (change, node, token))
        })
    }
}

/// The tokens that a node counted on.
fn counted(node: &Item) -> impl Iterator<Item = &str> {
    let counted = at(node, "counted").and_then(Value::as_array).into_iter().flatten();
    counted.filter_map(|token| token.get("S")?.as_str())
}

/// Whether a change is of an item of this team.
fn is_of(change: &Change, team: &str) -> bool {
    change.key.pk.strip_prefix("TEAM#").and_then(|of| of.split('#').next()) == Some(team)
}
