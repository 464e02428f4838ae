//! Every condition that a write is held to. Each decides one thing on one item.
//!
//! `docs/promises.md` has the promise that each keeps and the test that fails without it.

use super::keys;

/// A condition on one kind of item.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// What it says.
    pub name: &'static str,
    /// What the sort keys of the items begin with that it is put on.
    pub sort_prefix: &'static str,
    /// The expression.
    pub expression: &'static str,
}

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident on $prefix:expr => $expression:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: Condition = Condition {
            name: stringify!($name),
            sort_prefix: $prefix,
            expression: $expression,
        };)*

        /// Every condition, for the tests that take them out one by one.
        pub const ALL: &[Condition] = &[$($name),*];
    };
}

conditions! {
    /// No team has the id that was drawn.
    TEAM_ABSENT on keys::TEAM => "attribute_not_exists(pk)";
    /// Another owner is left.
    ANOTHER_OWNER on keys::TEAM => "owners > :one";

    /// The principal is no member yet.
    MEMBER_ABSENT on keys::MEMBER => "attribute_not_exists(pk)";
    /// The member is, in every part, the one that was read.
    MEMBER_AS_READ on keys::MEMBER => "version = :read";
    /// The caller is still in the membership that was read, with the role that was read.
    CALLER_AS_READ on keys::MEMBER => "membership = :caller AND #role = :caller_role";
    /// The caller is still in the membership that was read, whatever the role.
    CALLER_IN_MEMBERSHIP on keys::MEMBER => "membership = :caller";

    /// No token has the id that was drawn.
    TOKEN_ABSENT on keys::TOKEN => "attribute_not_exists(pk)";
    /// The token is there and was never revoked.
    TOKEN_NOT_REVOKED on keys::TOKEN => "attribute_exists(pk) AND attribute_not_exists(revocation)";
    /// The token, which is its own gate, has a use left and is open. A missing quota refuses.
    TOKEN_PASSABLE on keys::TOKEN => "gate.used < gate.quota AND attribute_not_exists(gate.closed_at)";
    /// The gate has a use left and is open. A missing quota refuses.
    GATE_PASSABLE on keys::GATE => "gate.used < gate.quota AND attribute_not_exists(gate.closed_at)";
    /// The gate is there.
    GATE_PRESENT on keys::GATE => "attribute_exists(pk)";

    /// The hostname is free.
    NODE_ABSENT on keys::NODE => "attribute_not_exists(pk)";
    /// The node is, in every part, the one that was read.
    NODE_AS_READ on keys::NODE => "version = :read";
    /// The node is the device that has this key, and was not heard of just now.
    DEVICE_UNHEARD on keys::NODE => "public_key = :key AND last_seen_at <= :earlier";
    /// No device has the address.
    ADDRESS_ABSENT on keys::ADDRESS => "attribute_not_exists(pk)";

    /// Nobody has begun the removal.
    REMOVAL_ABSENT on keys::REMOVAL => "attribute_not_exists(pk)";
    /// No sweep has found anything since the removal was read.
    NOTHING_FOUND_SINCE on keys::REMOVAL => "findings = :findings";
}
