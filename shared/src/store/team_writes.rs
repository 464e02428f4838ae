//! Writes that several changes to a team's members have in common.

use crate::domain::id::TeamId;
use crate::domain::member::Member;

use super::conditions::{ANOTHER_OWNER, CALLER_AS_READ};
use super::keys;
use super::table::{Fault, Write};

/// Holds a transaction to the caller's being who they were when they were read.
pub(super) fn caller_as_read(team: TeamId, caller: &Member) -> Result<Write, Fault> {
    Write::check(keys::member(team, &caller.principal), CALLER_AS_READ)
        .value(":caller", caller.membership)?
        .value(":caller_role", caller.role)
}

pub(super) fn one_owner_more(team: TeamId) -> Result<Write, Fault> {
    Write::update(keys::team(team), "SET owners = owners + :one").value(":one", 1)
}

/// Refused for the last owner.
pub(super) fn one_owner_less(team: TeamId) -> Result<Write, Fault> {
    let write = Write::update(keys::team(team), "SET owners = owners - :one");
    write.when(ANOTHER_OWNER).value(":one", 1)
}
