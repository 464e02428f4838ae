use std::cmp::Reverse;

use crate::domain::id::TeamId;
use crate::domain::principal::Principal;
use crate::domain::removal::{Place, Removal};
use crate::domain::role::Role;

use super::{Error, Session, keys};

impl Session {
    /// The team's removals after `after`, at most `limit`, the newest first.
    pub async fn list_removals(
        &self,
        team: TeamId,
        caller: &Principal,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Removal>, Error> {
        self.authorize(team, caller, Role::manages_tokens).await?;
        let mut removals: Vec<Removal> = self.all(keys::removals(team)).await?;
        removals.sort_by_key(|removal| Reverse(removal.place()));
        removals.retain(|removal| after.is_none_or(|after| removal.place() < after));
        removals.truncate(limit);
        Ok(removals)
    }
}
