use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::{Member, MyTeam, Team};
use crate::domain::principal::Principal;
use crate::domain::role::Role;
use crate::domain::text::Name;
use crate::domain::version::Version;

use super::conditions::TEAM_ABSENT;
use super::outcome::is_blocked;
use super::session::{Halt, until_settled};
use super::table::{Failure, Write};
use super::{Error, Session, keys};

impl Session {
    /// Makes a team with the caller as its owner.
    pub async fn create_team(&self, caller: &Principal, name: Name) -> Result<Team, Error> {
        let team = Team { id: TeamId::from_bytes(self.draw()), name, owners: 1 };
        let owner = Member {
            version: Version::from_bytes(self.draw()),
            membership: MembershipId::from_bytes(self.draw()),
            principal: caller.clone(),
            role: Role::Owner,
            joined_at: self.now(),
        };
        let mine = MyTeam { team: team.id, role: Role::Owner };
        until_settled!(self, {
            let writes = vec![
                Write::put(keys::team(team.id), &team)?.when(TEAM_ABSENT),
                Write::put(keys::member(team.id, caller), &owner)?,
                Write::put(keys::my_team(caller, team.id), &mine)?,
            ];
            match self.transact(writes).await {
                // The id was drawn just now, so what is there is ours: an answer was lost. It is made
                // once its owner is there too: they become visible one by one.
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 0) => {
                    let owner: Option<Member> = self.get(&keys::member(team.id, caller)).await?;
                    owner.map(drop).ok_or(Halt::Again)
                }
                other => Ok(other?),
            }
        })?;
        Ok(team)
    }
}
