use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::{Member, MyTeam};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;

use super::conditions::MEMBER_ABSENT;
use super::outcome::blocking_item;
use super::session::until_settled;
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
        let mut sent = Vec::new();
        until_settled!(self, {
            let by = self.authorize(team, caller, |own| own.manages(role)).await?;
            if principal == by.principal {
                return Err(Refusal::AlreadyMember.into());
            }
            // Another with every try: the stay that a lost answer was about may have ended by now.
            let member = Member {
                membership: MembershipId::from_bytes(self.draw()),
                principal: principal.clone(),
                role,
                joined_at: self.now(),
            };
            sent.push(member.membership);
            let mine = MyTeam { team, role };
            let mut writes = vec![
                Write::put(keys::member(team, &member.principal), &member)?.when(MEMBER_ABSENT),
                Write::put(keys::my_team(&member.principal, team), &mine)?,
                caller_as_read(team, &by)?,
            ];
            if role == Role::Owner {
                writes.push(one_owner_more(team)?);
            }
            match self.transact(writes).await {
                Err(Failure::Cancelled(reasons)) => match blocking_item(&reasons, 0) {
                    Some(there) => {
                        let there: Member = from_item(there.clone())?;
                        // Ours is there: an answer was lost.
                        let ours = sent.contains(&there.membership);
                        if ours { Ok(there) } else { Err(Refusal::AlreadyMember.into()) }
                    }
                    None => Err(reasons.into()),
                },
                other => Ok(other.map(|()| member)?),
            }
        })
    }
}
