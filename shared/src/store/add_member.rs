use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::{Member, MyTeam};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::version::Version;

use super::conditions::{MEMBER_ABSENT, REMOVAL_ABSENT};
use super::outcome::{blocking_item, is_blocked};
use super::session::{Halt, until_settled};
use super::table::{Failure, Write, from_item};
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
        let mut membership = MembershipId::from_bytes(self.draw());
        let mut sent = false;
        until_settled!(self, {
            if sent
                && let Some(there) = self.get::<Member>(&keys::member(team, &principal)).await?
                && there.membership == membership
            {
                return Ok(there);
            }
            let by = self.authorize(team, caller, |own| own.manages(role)).await?;
            if principal == by.principal {
                return Err(Refusal::AlreadyMember.into());
            }
            let member = Member {
                version: Version::from_bytes(self.draw()),
                membership,
                principal: principal.clone(),
                role,
                joined_at: self.now(),
            };
            let mine = MyTeam { team, role };
            let mut writes = vec![
                Write::put(keys::member(team, &member.principal), &member)?.when(MEMBER_ABSENT),
                Write::put(keys::my_team(&member.principal, team), &mine)?,
                caller_as_read(team, &by)?,
                Write::check(keys::removal(team, membership), REMOVAL_ABSENT),
            ];
            if role == Role::Owner {
                writes.push(one_owner_more(team)?);
            }
            sent = true;
            match self.transact(writes).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 3) => {
                    // The stay that a lost answer was about has ended: this is to be another.
                    membership = MembershipId::from_bytes(self.draw());
                    Err(Halt::Again)
                }
                Err(Failure::Cancelled(reasons)) => match blocking_item(&reasons, 0) {
                    Some(there) if from_item::<Member>(there.clone())?.membership != membership => {
                        Err(Refusal::AlreadyMember.into())
                    }
                    _ => Err(reasons.into()),
                },
                other => Ok(other.map(|()| member)?),
            }
        })
    }
}
