//! What a member may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Invalid;

/// A member's role in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything, and alone grants or takes this role.
    Owner,
    /// Manages tokens, nodes, and members other than owners.
    Admin,
    /// Sees members and nodes, and enrolls devices of their own.
    Member,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// Whether this role makes, sees and revokes tokens and removes nodes.
    pub fn manages_tokens(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether this role adds, changes or removes a member who has, or is to have, `role`.
    pub fn manages(self, role: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => role != Self::Owner,
            Self::Member => false,
        }
    }

    /// The role as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(Invalid("must be owner, admin or member"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owners_reach_owners_and_members_reach_nobody() {
        for role in Role::ALL {
            assert!(Role::Owner.manages(role));
            assert!(!Role::Member.manages(role));
            assert_eq!(Role::Admin.manages(role), role != Role::Owner);
        }
    }
}
