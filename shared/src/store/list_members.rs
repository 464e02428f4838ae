use crate::domain::id::TeamId;
use crate::domain::member::Member;
use crate::domain::principal::Principal;

use super::{Error, Session, keys};

impl Session {
    /// The team's members after `after`, at most `limit`, in the order of their principals.
    pub async fn list_members(
        &self,
        team: TeamId,
        caller: &Principal,
        after: Option<&Principal>,
        limit: usize,
    ) -> Result<Vec<Member>, Error> {
        self.authorize(team, caller, |_| true).await?;
        let start = after.map(|principal| keys::member(team, principal));
        self.first(keys::members(team), start.as_ref(), limit).await
    }
}
