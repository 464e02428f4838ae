//! Enrollment tokens as their team sees them: everything but the plaintext.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::gate::{Gates, Usage};
use super::id::{MembershipId, TokenId};
use super::principal::Principal;
use super::text::{Kind, Name};
use super::timestamp::Timestamp;

/// How long a self-enrolled token can be used.
pub const SELF_ENROLL_LIFETIME: Duration = Duration::from_mins(10);

/// A limit of uses: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u64")]
pub struct MaxUses(u32);

impl MaxUses {
    /// One use.
    pub const ONE: Self = Self(1);

    /// The limit.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u64> for MaxUses {
    type Error = Invalid;

    fn try_from(max: u64) -> Result<Self, Invalid> {
        match u32::try_from(max) {
            Ok(max @ 1..=1_000_000) => Ok(Self(max)),
            _ => Err(Invalid(
                "must be a whole number from 1 to 1,000,000; leave it out for no limit",
            )),
        }
    }
}

impl From<MaxUses> for u32 {
    fn from(max: MaxUses) -> Self {
        max.0
    }
}

/// The kinds of node that a token admits: 1 to 16, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Kind>")]
pub struct AllowedKinds(Vec<Kind>);

impl AllowedKinds {
    /// The kinds, in the order given.
    pub fn as_slice(&self) -> &[Kind] {
        &self.0
    }
}

impl TryFrom<Vec<Kind>> for AllowedKinds {
    type Error = Invalid;

    fn try_from(given: Vec<Kind>) -> Result<Self, Invalid> {
        if !(1..=16).contains(&given.len()) {
            return Err(Invalid("must be 1 to 16 kinds; leave it out to allow every kind"));
        }
        Ok(Self(crate::each_once(given)))
    }
}

/// What a token admits, and how long. What is `None` is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The kinds of node.
    pub allowed_kinds: Option<AllowedKinds>,
    /// The first second at which it admits nothing any more.
    pub expires_at: Option<Timestamp>,
    /// How many distinct nodes.
    pub max_uses: Option<MaxUses>,
}

impl Policy {
    /// Whether the resulting kind of a node is admitted.
    pub fn allows(&self, kind: &Kind) -> bool {
        self.allowed_kinds.as_ref().is_none_or(|kinds| kinds.as_slice().contains(kind))
    }

    /// Whether the token admits nothing any more at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }
}

/// How a token came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An owner or admin made it.
    Admin,
    /// A member made it for one device of their own.
    SelfEnroll,
}

impl Origin {
    /// The origin as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SelfEnroll => "self-enroll",
        }
    }
}

/// That a token was revoked, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom; for a token that went with its maker, who removed them.
    pub by: Principal,
    /// The removed membership that it went with, if it did.
    pub removal: Option<MembershipId>,
}

/// A token, without its plaintext and the hash of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What its maker calls it.
    pub name: Name,
    /// What it admits.
    pub policy: Policy,
    /// How it came to be.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Principal,
    /// The membership it was made in, which it goes with.
    pub membership: MembershipId,
    /// Whether it was revoked.
    pub revocation: Option<Revocation>,
    /// When all its gates were found spent; a hint that spares reading them.
    pub exhausted_at: Option<Timestamp>,
    /// Its gates.
    pub gate: Gates,
}

impl Token {
    /// The token's state, the first that applies.
    pub fn status(&self, usage: Usage, now: Timestamp) -> Status {
        let spent = self.policy.max_uses.is_some_and(|max| usage.used >= u64::from(max.get()));
        if self.revocation.is_some() {
            Status::Revoked
        } else if self.policy.has_expired(now) {
            Status::Expired
        } else if spent || self.exhausted_at.is_some() {
            Status::Exhausted
        } else {
            Status::Active
        }
    }
}

/// The state of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It admits.
    Active,
    /// Its time is over.
    Expired,
    /// All its uses are used up.
    Exhausted,
    /// It was stopped for good.
    Revoked,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Expired, Self::Exhausted, Self::Revoked];

    /// The status as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(Invalid("must be active, expired, exhausted or revoked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, token};

    #[test]
    fn the_first_status_that_applies_wins() {
        let mut token = token(Some(1));
        let used = |used| Usage { used, last_used_at: None };
        assert_eq!(token.status(used(0), at(0)), Status::Active);
        assert_eq!(token.status(used(1), at(0)), Status::Exhausted);
        token.policy.expires_at = Some(at(10));
        assert_eq!(token.status(used(1), at(9)), Status::Exhausted);
        assert_eq!(token.status(used(1), at(10)), Status::Expired);
        token.revocation =
            Some(Revocation { at: at(1), by: "a@b".parse().unwrap(), removal: None });
        assert_eq!(token.status(used(1), at(10)), Status::Revoked);
    }

    #[test]
    fn zero_and_too_many_uses_are_no_limit_of_any_kind() {
        assert!(MaxUses::try_from(0).is_err());
        assert!(MaxUses::try_from(1_000_001).is_err());
        assert!(MaxUses::try_from(u64::MAX).is_err());
        assert_eq!(MaxUses::try_from(1_000_000).unwrap().get(), 1_000_000);
    }

    #[test]
    fn an_empty_list_of_kinds_is_refused() {
        assert!(AllowedKinds::try_from(Vec::new()).is_err());
    }
}
