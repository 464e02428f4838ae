//! The life of each token, told in order: nodes enroll while it is open, until it is spent or revoked.
//!
//! Expiry is not in the model: clocks differ, so two machines may disagree about the same instant.
//! [`super::never_after`] holds it to their skew.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::dynamodb::{at, text};
use crate::history::Answer;
use crate::request::{Token, Want};
use crate::world::Evidence;

use super::counted as counted_on;
use super::linearizable::{Model, Timed, is_linearizable};

struct Life;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    max: Option<u64>,
    used: u64,
    nodes: BTreeSet<String>,
    there: BTreeSet<String>,
    marked: bool,
    revoked: bool,
}

#[derive(Debug)]
enum Operation {
    /// The node got in, or was in already, under its hostname.
    Enrolled(String, String),
    /// The node of this hostname was removed.
    Gone(String),
    /// The machine of this hostname was told that it is spent: it is not in.
    Exhausted(String),
    /// Somebody was told that it is revoked.
    FoundRevoked,
    /// A revoke began: whoever reads the token from now on is refused. Who has read it may still get
    /// in.
    Marked,
    /// A revoke answered.
    Revoked,
    /// Somebody was told how often it had been used.
    Seen(u64),
}

impl Model for Life {
    type State = State;
    type Operation = Operation;

    fn step(state: &State, operation: &Operation) -> Option<State> {
        let mut next = state.clone();
        let possible = match operation {
            Operation::Enrolled(node, hostname) => {
                next.there.insert(hostname.clone());
                if next.nodes.insert(node.clone()) {
                    next.used += 1;
                }
                !state.revoked && state.max.is_none_or(|max| next.used <= max)
            }
            Operation::Gone(hostname) => {
                next.there.remove(hostname);
                true
            }
            Operation::Exhausted(hostname) => {
                state.max == Some(state.used) && !state.there.contains(hostname)
            }
            Operation::FoundRevoked => state.marked,
            Operation::Marked => {
                next.marked = true;
                true
            }
            Operation::Revoked => {
                next.revoked = true;
                state.marked
            }
            Operation::Seen(used) => state.used == *used,
        };
        possible.then_some(next)
    }
}

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let untold = evidence.tokens.iter().filter(|token| !is_told(evidence, token));
    untold.map(|token| format!("life: that of {} can't be told in order", token.id)).collect()
}

fn is_told(evidence: &Evidence, token: &Token) -> bool {
    let beginning = State {
        max: token.max_uses,
        used: token.worn,
        nodes: BTreeSet::new(),
        there: BTreeSet::new(),
        marked: false,
        revoked: false,
    };
    let counted: Vec<_> = evidence.uses().filter(|(.., of)| *of == token.id).collect();
    let mut operations = Vec::new();
    let mut add = |called, done, operation| operations.push(Timed { called, done, operation });
    for (n, attempt, request) in evidence.attempts() {
        let (done, answer) = match &attempt.answer {
            Some((done, answer)) => (*done, Some(answer)),
            None => (Duration::MAX, None),
        };
        match &request.want {
            Want::Register { token: presented, hostname, .. } if presented.id == token.id => {
                match answer {
                    Some(answer) if answer.is_success() => {
                        let id = answer.text("id").to_owned();
                        // A node may be seen before its use is.
                        let counted = counted.iter().filter(|(_, node, _)| *node == id);
                        let visible = counted.map(|(change, ..)| evidence.visible(change)).max();
                        let done = visible.map_or(done, |visible| done.max(visible));
                        add(attempt.sent, done, Operation::Enrolled(id, hostname.clone()));
                    }
                    Some(answer) if answer.code() == "token-exhausted" => {
                        add(attempt.sent, done, Operation::Exhausted(hostname.clone()));
                    }
                    Some(answer) if answer.code() == "token-revoked" => {
                        add(attempt.sent, done, Operation::FoundRevoked);
                    }
                    _ => {}
                }
                // What nobody was told, or not this, and was done all the same.
                for (change, node, _) in counted.iter().filter(|(change, ..)| change.origin == n) {
                    let done = evidence.visible(change);
                    let enrolled = Operation::Enrolled((*node).to_owned(), hostname.clone());
                    add(attempt.sent, done, enrolled);
                }
            }
            Want::Revoke(revoked)
                if revoked.id == token.id && answer.is_some_and(Answer::is_success) =>
            {
                add(attempt.sent, done, Operation::Revoked);
            }
            Want::SeeToken(seen) if seen.id == token.id => {
                let used = answer.and_then(|answer| answer.body.get("use_count")?.as_u64());
                if let Some(used) = used {
                    add(attempt.sent, done, Operation::Seen(used));
                }
            }
            _ => {}
        }
    }
    for change in evidence.changes_of("NODE#").filter(|change| change.new.is_none()) {
        let old = change.old.as_deref();
        if old.is_some_and(|old| counted_on(old).any(|of| of == token.id)) {
            let hostname = old.and_then(|old| text(old, "hostname")).unwrap_or_default();
            add(change.decided(), evidence.visible(change), Operation::Gone(hostname.to_owned()));
        }
    }
    for change in evidence.changes_of("TOKEN#").filter(|c| c.key.sk.ends_with(&token.id)) {
        let is_revoked =
            |item: &Option<_>| item.as_deref().is_some_and(|item| at(item, "revocation").is_some());
        if is_revoked(&change.new) && !is_revoked(&change.old) {
            add(change.at, change.at, Operation::Marked);
        }
    }
    is_linearizable::<Life>(beginning, &operations)
}
