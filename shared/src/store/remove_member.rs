use crate::domain::id::TeamId;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::removal::{Removal, Unfinished};
use crate::domain::role::Role;

use super::conditions::MEMBER_AS_READ;
use super::member_ref::MemberRef;
use super::outcome::is_blocked_alone;
use super::session::until_settled;
use super::table::{Failure, Write};
use super::team_writes::{caller_as_read, one_owner_less};
use super::{Error, Session, keys};

impl Session {
    /// Ends a membership. The cascade that follows revokes its tokens and removes its nodes.
    ///
    /// A membership that has ended already is answered with its removal.
    pub async fn remove_member(
        &self,
        team: TeamId,
        caller: &Principal,
        member: &MemberRef,
    ) -> Result<Removal, Error> {
        until_settled!(self, {
            let by = self.authorize(team, caller, |_| true).await?;
            let Some(found) = self.find_member(team, member).await? else {
                return match member {
                    MemberRef::Membership(ended) if by.role.manages_tokens() => {
                        let removal = self.get(&keys::removal(team, *ended)).await?;
                        removal.ok_or_else(|| Refusal::NotFound.into())
                    }
                    _ => Err(Refusal::NotFound.into()),
                };
            };
            let leaves = by.principal == found.principal;
            if !leaves && !by.role.manages(found.role) {
                return Err(Refusal::Forbidden.into());
            }
            let now = self.now();
            let membership = found.membership;
            let removal =
                Removal::new(membership, found.principal.clone(), by.principal.clone(), now);
            let unfinished = Unfinished { team, membership, since: now };
            let mut writes = vec![
                Write::delete(keys::member(team, &found.principal))
                    .when(MEMBER_AS_READ)
                    .value(":read", found.version)?,
                Write::delete(keys::my_team(&found.principal, team)),
                Write::put(keys::removal(team, membership), &removal)?,
                Write::put(keys::unfinished(team, membership), &unfinished)?,
            ];
            if found.role == Role::Owner {
                writes.push(one_owner_less(team)?);
            }
            if !leaves {
                writes.push(caller_as_read(team, &by)?);
            }
            match self.send(writes).await {
                Err(Failure::Cancelled(reasons))
                    if found.role == Role::Owner && is_blocked_alone(&reasons, 4) =>
                {
                    Err(Refusal::LastOwner.into())
                }
                other => Ok(other.map(|()| removal)?),
            }
        })
    }
}
