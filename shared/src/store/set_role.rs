use crate::domain::id::TeamId;
use crate::domain::member::{Member, MyTeam};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::version::Version;

use super::conditions::MEMBER_AS_READ;
use super::member_ref::MemberRef;
use super::outcome::is_blocked_alone;
use super::session::{Halt, until_settled};
use super::table::{Failure, Write};
use super::team_writes::{caller_as_read, one_owner_less, one_owner_more};
use super::{Error, Session, keys};

impl Session {
    /// Gives a member another role; the membership stays the same.
    pub async fn set_role(
        &self,
        team: TeamId,
        caller: &Principal,
        member: &MemberRef,
        role: Role,
    ) -> Result<Member, Error> {
        until_settled!(self, {
            let by = self.authorize(team, caller, |own| own.manages(role)).await?;
            let Some(found) = self.find_member(team, member).await? else {
                return Err(Refusal::NotFound.into());
            };
            if by.principal == found.principal && by != found {
                // Two reads of one item that has changed in between: the caller is not who they were.
                return Err(Halt::Again);
            }
            if !by.role.manages(found.role) {
                return Err(Refusal::Forbidden.into());
            }
            if found.role == role {
                return Ok(found);
            }
            let version = Version::from_bytes(self.draw());
            let changed = Member { version, role, ..found.clone() };
            let mine = MyTeam { team, role };
            let mut writes = vec![
                Write::put(keys::member(team, &found.principal), &changed)?
                    .when(MEMBER_AS_READ)
                    .value(":read", found.version)?,
                Write::put(keys::my_team(&found.principal, team), &mine)?,
            ];
            match (found.role, role) {
                (Role::Owner, _) => writes.push(one_owner_less(team)?),
                (_, Role::Owner) => writes.push(one_owner_more(team)?),
                _ => {}
            }
            if by.principal != found.principal {
                writes.push(caller_as_read(team, &by)?);
            }
            match self.send(writes).await {
                Err(Failure::Cancelled(reasons))
                    if found.role == Role::Owner && is_blocked_alone(&reasons, 2) =>
                {
                    Err(Refusal::LastOwner.into())
                }
                other => Ok(other.map(|()| changed)?),
            }
        })
    }
}
