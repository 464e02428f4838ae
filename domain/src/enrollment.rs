//! What a registration comes to, given what was read.

use std::time::Duration;

use serde::Serialize;

use super::gate::Gates;
use super::id::NodeId;
use super::key::PublicKey;
use super::node::{Counted, Node, Sponsor};
use super::refusal::Refusal;
use super::report::Report;
use super::timestamp::Timestamp;
use super::token::{Origin, Token};
use super::version::Version;

/// A repeat that changes nothing is written down only if the node was last seen longer ago.
pub const SEEN_WITHIN: Duration = Duration::from_mins(5);

/// One try of a machine to register.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What the machine says.
    pub report: &'a Report,
    /// The key it has proved to hold.
    pub key: Option<PublicKey>,
    /// When.
    pub now: Timestamp,
    /// The id for the node, if it is a new one.
    pub id: NodeId,
    /// The version for what is written.
    pub version: Version,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the node is there as reported, and was seen just now.
    Keep(Node),
    /// Write the node.
    Write(Write),
}

/// A node to be written, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The node. If it claims an address, [`Node::private_ip`] is not yet set.
    pub node: Node,
    /// The state it replaces; `None` for a node that must not be there.
    pub replaces: Option<Version>,
    /// Whether it takes a use, through a gate.
    pub takes_use: bool,
    /// Whether it becomes a device, and so needs an address.
    pub claims_address: bool,
    /// What the machine is told of it.
    pub outcome: Outcome,
}

/// What a registration has done to its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Entered it.
    Created,
    /// Changed what is known of it.
    Updated,
    /// Found it as reported.
    Unchanged,
}

/// Judges an attempt on `token` by a machine whose hostname is taken by `current`, if any.
///
/// The caller has compared the secret. [`Refusal::TokenExhausted`] is final only if the use was
/// known to be gone before `current` was read: else a twin of this very request may have taken it.
pub fn judge(
    token: &Token,
    current: Option<&Node>,
    attempt: &Attempt<'_>,
) -> Result<Step, Refusal> {
    check_token(token, attempt)?;
    let kind = match (&attempt.report.kind, current) {
        (Some(kind), _) => kind.clone(),
        (None, Some(node)) => node.kind.clone(),
        (None, None) => super::text::Kind::default(),
    };
    if !token.policy.allows(&kind) {
        return Err(Refusal::KindNotAllowed);
    }
    match current {
        Some(node) => {
            check_owner(token, node, attempt)?;
            repeat(token, node, attempt)
        }
        None => {
            check_uses(token)?;
            Ok(Step::Write(Write {
                node: new_node(token, attempt),
                replaces: None,
                takes_use: true,
                claims_address: attempt.key.is_some(),
                outcome: Outcome::Created,
            }))
        }
    }
}

fn check_token(token: &Token, attempt: &Attempt<'_>) -> Result<(), Refusal> {
    if token.revocation.is_some() {
        Err(Refusal::TokenRevoked)
    } else if token.policy.has_expired(attempt.now) {
        Err(Refusal::TokenExpired)
    } else if token.origin == Origin::SelfEnroll && attempt.key.is_none() {
        Err(Refusal::KeyRequired)
    } else {
        Ok(())
    }
}

fn check_owner(token: &Token, node: &Node, attempt: &Attempt<'_>) -> Result<(), Refusal> {
    let others_key = node.public_key.is_some() && node.public_key != attempt.key;
    let others_node =
        token.origin == Origin::SelfEnroll && node.sponsor.membership != token.membership;
    if others_key || others_node { Err(Refusal::HostnameConflict(node.into())) } else { Ok(()) }
}

fn check_uses(token: &Token) -> Result<(), Refusal> {
    let spent = match &token.gate {
        Gates::Own(gate) => gate.is_spent(),
        Gates::InLanes { .. } => token.exhausted_at.is_some(),
    };
    if spent { Err(Refusal::TokenExhausted) } else { Ok(()) }
}

fn new_node(token: &Token, attempt: &Attempt<'_>) -> Node {
    let mut counted = Counted::default();
    counted.push(token.id);
    let mut node = Node {
        id: attempt.id,
        version: attempt.version,
        hostname: attempt.report.hostname.clone(),
        name: None,
        ip_address: None,
        kind: super::text::Kind::default(),
        group: super::text::Group::default(),
        tags: super::text::Tags::default(),
        meta: None,
        os: None,
        heartbeat: None,
        public_key: attempt.key,
        private_ip: None,
        sponsor: Sponsor { token: token.id, membership: token.membership },
        counted,
        created_at: attempt.now,
        updated_at: attempt.now,
        last_seen_at: attempt.now,
    };
    attempt.report.apply_to(&mut node);
    node
}

fn repeat(token: &Token, current: &Node, attempt: &Attempt<'_>) -> Result<Step, Refusal> {
    let mut node = current.clone();
    attempt.report.apply_to(&mut node);
    let takes_use = !node.counted.contains(token.id);
    if takes_use {
        check_uses(token)?;
        node.counted.push(token.id);
        node.sponsor = Sponsor { token: token.id, membership: token.membership };
    }
    let claims_address = current.public_key.is_none() && attempt.key.is_some();
    node.public_key = node.public_key.or(attempt.key);
    let changed = node != *current;
    if !changed && attempt.now.since(current.last_seen_at) <= SEEN_WITHIN {
        return Ok(Step::Keep(node));
    }
    let outcome = if changed { Outcome::Updated } else { Outcome::Unchanged };
    if changed {
        node.updated_at = attempt.now;
    }
    node.last_seen_at = node.last_seen_at.max(attempt.now);
    node.version = attempt.version;
    Ok(Step::Write(Write {
        node,
        replaces: Some(current.version),
        takes_use,
        claims_address,
        outcome,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MembershipId;
    use crate::testing::{at, token};
    use crate::token::{AllowedKinds, Revocation};

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER_KEY: &str = "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn report() -> Report {
        Report::of("web-1".parse().unwrap())
    }

    fn attempt<'a>(report: &'a Report, key: Option<&str>, now: i64) -> Attempt<'a> {
        Attempt {
            report,
            key: key.map(|key| key.parse().unwrap()),
            now: at(now),
            id: NodeId::from_bytes([5; 8]),
            version: Version::from_bytes([6; 8]),
        }
    }

    fn written(step: Result<Step, Refusal>) -> Write {
        match step {
            Ok(Step::Write(write)) => write,
            other => panic!("not written: {other:?}"),
        }
    }

    fn enrolled(token: &Token, key: Option<&str>) -> Node {
        written(judge(token, None, &attempt(&report(), key, 0))).node
    }

    #[test]
    fn a_new_node_takes_a_use_and_a_device_an_address() {
        let token = token(None);
        let keyless = written(judge(&token, None, &attempt(&report(), None, 0)));
        assert!(keyless.takes_use && !keyless.claims_address && keyless.replaces.is_none());
        let device = written(judge(&token, None, &attempt(&report(), Some(KEY), 0)));
        assert!(device.takes_use && device.claims_address);
    }

    #[test]
    fn an_unchanged_repeat_is_kept_for_five_minutes() {
        let token = token(None);
        let node = enrolled(&token, None);
        assert!(matches!(
            judge(&token, Some(&node), &attempt(&report(), None, 300)),
            Ok(Step::Keep(_))
        ));
        let later = written(judge(&token, Some(&node), &attempt(&report(), None, 301)));
        assert!(!later.takes_use);
        assert_eq!(later.node.last_seen_at, at(301));
        assert_eq!(later.node.updated_at, at(0));
    }

    #[test]
    fn a_repeat_on_a_spent_token_is_still_a_repeat() {
        let mut token = token(Some(1));
        let node = enrolled(&token, None);
        token.gate = Gates::Own(crate::gate::Gate { used: 1, ..crate::gate::Gate::new(1) });
        let mut changed = report();
        changed.os = Some("Debian 12".parse().unwrap());
        let write = written(judge(&token, Some(&node), &attempt(&changed, None, 1)));
        assert!(!write.takes_use);
        assert_eq!(judge(&token, None, &attempt(&report(), None, 1)), Err(Refusal::TokenExhausted));
    }

    #[test]
    fn a_repeat_on_a_revoked_or_expired_token_is_refused() {
        let mut token = token(None);
        let node = enrolled(&token, None);
        token.policy.expires_at = Some(at(10));
        assert!(judge(&token, Some(&node), &attempt(&report(), None, 9)).is_ok());
        assert_eq!(
            judge(&token, Some(&node), &attempt(&report(), None, 10)),
            Err(Refusal::TokenExpired)
        );
        token.revocation =
            Some(Revocation { at: at(1), by: "a@b".parse().unwrap(), removal: None });
        assert_eq!(
            judge(&token, Some(&node), &attempt(&report(), None, 10)),
            Err(Refusal::TokenRevoked)
        );
    }

    #[test]
    fn another_token_takes_a_use_and_becomes_the_sponsor() {
        let first = token(None);
        let node = enrolled(&first, None);
        let mut second = token(None);
        second.id = crate::id::TokenId::from_bytes([99; 8]);
        second.membership = MembershipId::from_bytes([98; 8]);
        let write = written(judge(&second, Some(&node), &attempt(&report(), None, 1)));
        assert!(write.takes_use);
        assert_eq!(write.replaces, Some(node.version));
        assert_eq!(write.node.sponsor.membership, second.membership);
        let back = judge(&first, Some(&write.node), &attempt(&report(), None, 1));
        assert!(matches!(back, Ok(Step::Keep(node)) if node.sponsor.token == second.id));
    }

    #[test]
    fn a_device_is_reached_only_with_its_own_key() {
        let token = token(None);
        let device = enrolled(&token, Some(KEY));
        for key in [None, Some(OTHER_KEY)] {
            let other = judge(&token, Some(&device), &attempt(&report(), key, 1));
            assert_eq!(other, Err(Refusal::HostnameConflict((&device).into())));
        }
        assert!(judge(&token, Some(&device), &attempt(&report(), Some(KEY), 1)).is_ok());
    }

    #[test]
    fn a_keyless_node_that_brings_a_key_becomes_a_device() {
        let token = token(None);
        let node = enrolled(&token, None);
        let write = written(judge(&token, Some(&node), &attempt(&report(), Some(KEY), 1)));
        assert!(write.claims_address && !write.takes_use);
        assert!(write.node.public_key.is_some());
    }

    #[test]
    fn a_self_enrolled_token_needs_a_key_and_reaches_only_its_own_membership() {
        let admin = token(None);
        let mut own = token(Some(1));
        own.origin = Origin::SelfEnroll;
        own.membership = MembershipId::from_bytes([77; 8]);
        assert_eq!(judge(&own, None, &attempt(&report(), None, 0)), Err(Refusal::KeyRequired));
        let others = enrolled(&admin, None);
        let reached = judge(&own, Some(&others), &attempt(&report(), Some(KEY), 0));
        assert!(matches!(reached, Err(Refusal::HostnameConflict(_))));
        let mine = enrolled(&own, Some(KEY));
        assert!(judge(&own, Some(&mine), &attempt(&report(), Some(KEY), 0)).is_ok());
    }

    #[test]
    fn the_resulting_kind_must_be_allowed() {
        let mut token = token(None);
        let node = enrolled(&token, None);
        let kinds = vec!["container".parse().unwrap()];
        token.policy.allowed_kinds = Some(AllowedKinds::try_from(kinds).unwrap());
        assert_eq!(judge(&token, None, &attempt(&report(), None, 0)), Err(Refusal::KindNotAllowed));
        assert_eq!(
            judge(&token, Some(&node), &attempt(&report(), None, 0)),
            Err(Refusal::KindNotAllowed)
        );
        let mut container = report();
        container.kind = Some("container".parse().unwrap());
        assert!(judge(&token, Some(&node), &attempt(&container, None, 0)).is_ok());
    }
}
