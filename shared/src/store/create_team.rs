use crate::domain::id::{MembershipId, TeamId};
use crate::domain::member::{Member, MyTeam, Team};
use crate::domain::principal::Principal;
use crate::domain::role::Role;
use crate::domain::text::Name;
use crate::domain::version::Version;

use super::conditions::TEAM_ABSENT;
use super::session::until_settled;
use super::table::Write;
use super::{Error, Session, keys};

impl Session {
    /// Makes a team with the caller as its owner.
    pub async fn create_team(&self, caller: &Principal, name: Name) -> Result<Team, Error> {
        until_settled!(self, {
            let team = Team { id: TeamId::from_bytes(self.draw()), name: name.clone(), owners: 1 };
            let owner = Member {
                version: Version::from_bytes(self.draw()),
                membership: MembershipId::from_bytes(self.draw()),
                principal: caller.clone(),
                role: Role::Owner,
                joined_at: self.now(),
            };
            let mine = MyTeam { team: team.id, role: Role::Owner };
            let writes = vec![
                Write::put(keys::team(team.id), &team)?.when(TEAM_ABSENT),
                Write::put(keys::member(team.id, caller), &owner)?,
                Write::put(keys::my_team(caller, team.id), &mine)?,
            ];
            Ok(self.send(writes).await.map(|()| team)?)
        })
    }
}
