use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::{Member, MyTeam};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::version::Version;

use super::conditions::MEMBER_ABSENT;
use super::outcome::is_blocked;
use super::session::until_settled;
use super::table::{Failure, Write};
use super::team_writes::{caller_as_read, one_owner_more};
use super::{Error, Session, keys};

impl Session {
    /// Adds a principal to the team.
    pub async fn add_member(
        &self,
        team: TeamId,
        caller: &Principal,
        principal: Principal,
        role: Role,
    ) -> Result<Member, Error> {
        until_settled!(self, {
            let by = self.authorize(team, caller, |own| own.manages(role)).await?;
            if principal == by.principal {
                return Err(Refusal::AlreadyMember.into());
            }
            let member = Member {
                version: Version::from_bytes(self.draw()),
                membership: MembershipId::from_bytes(self.draw()),
                principal: principal.clone(),
                role,
                joined_at: self.now(),
            };
            let mine = MyTeam { team, role };
            let mut writes = vec![
                Write::put(keys::member(team, &member.principal), &member)?.when(MEMBER_ABSENT),
                Write::put(keys::my_team(&member.principal, team), &mine)?,
                caller_as_read(team, &by)?,
            ];
            if role == Role::Owner {
                writes.push(one_owner_more(team)?);
            }
            match self.send(writes).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 0) => {
                    Err(Refusal::AlreadyMember.into())
                }
                other => Ok(other.map(|()| member)?),
            }
        })
    }
}
