//! Teams and their members.

use serde::{Deserialize, Serialize};

use super::id::{MembershipId, TeamId};
use super::principal::Principal;
use super::role::Role;
use super::text::Name;
use super::timestamp::Timestamp;
use super::version::Version;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// What its members call it.
    pub name: Name,
    /// How many of its members are owners; never zero.
    pub owners: u32,
}

/// A principal's stay in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which of its states this is.
    pub version: Version,
    /// The stay's id: removed and added again is another.
    pub membership: MembershipId,
    /// Who.
    pub principal: Principal,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

/// A team as one of its members finds it among theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyTeam {
    /// The team.
    pub team: TeamId,
    /// What the member may do in it.
    pub role: Role,
}
