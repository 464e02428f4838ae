//! How a path names a member.

use std::str::FromStr;

use crate::domain::Invalid;
use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::Member;
use crate::domain::principal::Principal;

use super::{Error, Session, keys};

/// A member, by who they are or by the one stay in the team that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRef {
    /// Whatever stay the principal has now.
    Principal(Principal),
    /// This stay and no other.
    Membership(MembershipId),
}

impl FromStr for MemberRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(membership) => Ok(Self::Membership(membership)),
            Err(Invalid(_)) => text.parse().map(Self::Principal),
        }
    }
}

impl Session {
    pub(super) async fn find_member(
        &self,
        team: TeamId,
        member: &MemberRef,
    ) -> Result<Option<Member>, Error> {
        match member {
            MemberRef::Principal(principal) => self.get(&keys::member(team, principal)).await,
            MemberRef::Membership(membership) => {
                let mut members = self.walk::<Member>(keys::members(team), None, None);
                while let Some(member) = members.next().await? {
                    if member.membership == *membership {
                        return Ok(Some(member));
                    }
                }
                Ok(None)
            }
        }
    }
}
