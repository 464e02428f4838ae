use std::collections::HashMap;

use crate::domain::id::TeamId;
use crate::domain::member::{MyTeam, Team};
use crate::domain::principal::Principal;
use crate::domain::role::Role;

use super::entity::from_item;
use super::{Error, Session, keys};

impl Session {
    /// The caller's teams after `after`, at most `limit`, in the order of their ids.
    pub async fn list_teams(
        &self,
        caller: &Principal,
        after: Option<TeamId>,
        limit: usize,
    ) -> Result<Vec<(Team, Role)>, Error> {
        let start = after.map(|team| keys::my_team(caller, team));
        let mine: Vec<MyTeam> = self.first(keys::my_teams(caller), start.as_ref(), limit).await?;
        let team_keys: Vec<_> = mine.iter().map(|mine| keys::team(mine.team)).collect();
        let mut teams: HashMap<TeamId, Team> = HashMap::new();
        for item in self.get_all(&team_keys).await?.into_values() {
            let team: Team = from_item(item)?;
            teams.insert(team.id, team);
        }
        Ok(mine
            .into_iter()
            .filter_map(|mine| Some((teams.remove(&mine.team)?, mine.role)))
            .collect())
    }
}
