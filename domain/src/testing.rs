//! Samples for the tests of this module.

use super::gate::Gates;
use super::id::{MembershipId, TokenId};
use super::timestamp::Timestamp;
use super::token::{MaxUses, Origin, Policy, Token};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_900_000_000 + seconds)
}

pub(super) fn token(max_uses: Option<u64>) -> Token {
    let id = TokenId::from_bytes([2; 8]);
    let max_uses = max_uses.map(|max| MaxUses::try_from(max).unwrap());
    Token {
        id,
        name: "sample".parse().unwrap(),
        policy: Policy { max_uses, ..Policy::default() },
        origin: Origin::Admin,
        created_at: at(0),
        created_by: "alice@example.com".parse().unwrap(),
        membership: MembershipId::from_bytes([4; 8]),
        revocation: None,
        exhausted_at: None,
        gate: Gates::plan(max_uses).0,
    }
}
