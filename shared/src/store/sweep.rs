//! What follows the removal of a member, until nothing of the membership is left.

use std::iter;
use std::time::Duration;

use crate::domain::gate::Lane;
use crate::domain::id::{MembershipId, TeamId};
use crate::domain::node::Node;
use crate::domain::principal::Principal;
use crate::domain::removal::{Removal, SETTLE, Unfinished, WATCH};
use crate::domain::token::{Revocation, Token};

use super::conditions::{NOTHING_FOUND_SINCE, REMOVAL_ABSENT};
use super::outcome::is_blocked;
use super::remove_node::removing;
use super::session::{Halt, until_settled};
use super::table::{Failure, Write};
use super::{Error, Session, keys};

/// How long a removal is looked after.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How far apart the two clean sweeps lie that finish it.
    pub settle: Duration,
    /// How long it is swept after that.
    pub watch: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { settle: SETTLE, watch: WATCH }
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tokens and gates that it closed.
    pub closed: u64,
    /// Nodes that it removed.
    pub nodes_removed: u64,
}

impl Swept {
    fn work(self) -> u64 {
        self.closed + self.nodes_removed
    }
}

impl Session {
    /// Sweeps after the removal of a membership: tokens first, so that nothing more gets in
    /// through them, then the nodes they let in. Safe to repeat and to stop anywhere.
    pub async fn sweep(
        &self,
        team: TeamId,
        membership: MembershipId,
        principal: &Principal,
        patience: Patience,
    ) -> Result<Swept, Error> {
        let began = self.now();
        let before = self.ensure_removal(team, membership, principal).await?;
        let mut swept = Swept::default();
        let mut tokens_revoked = 0;
        let tokens: Vec<Token> = self.all(keys::tokens(team)).await?;
        for mut token in tokens.into_iter().filter(|token| token.membership == membership) {
            if token.revocation.is_none() {
                let by = before.requested_by.clone();
                let revocation = Revocation { at: self.now(), by, removal: Some(membership) };
                token = self.mark_revoked(team, token.id, revocation).await?;
                swept.closed += 1;
            }
            let (_, closed) = self.close_gates(team, &token).await?;
            swept.closed += u64::try_from(closed).unwrap_or(u64::MAX);
            tokens_revoked += u64::from(token.revocation.is_some_and(|r| r.removal.is_some()));
        }
        for lane in Lane::all() {
            let mut nodes = self.walk::<Node>(keys::nodes(team, lane), None, None);
            while let Some(node) = nodes.next().await? {
                if node.sponsor.membership == membership {
                    let removed = self.remove_sponsored(team, membership, node).await?;
                    swept.nodes_removed += u64::from(removed);
                }
            }
        }
        let after = before.clone().after_sweep(swept.work(), began, self.now(), patience.settle);
        let after = Removal { tokens_revoked, ..after };
        self.record(team, &before, &after).await?;
        Ok(swept)
    }

    /// Sweeps every removal that is not finished, and goes on past one that fails. Answers with
    /// how many are left, or with the first failure.
    pub async fn sweep_unfinished(&self, patience: Patience) -> Result<usize, Error> {
        let mut unfinished: Vec<Unfinished> = self.all(keys::all_unfinished()).await?;
        // Not always the same first: one session may not be enough for all.
        let first = self.draw_below(unfinished.len());
        unfinished.rotate_left(first);
        let mut left = 0;
        let mut failure = None;
        for Unfinished { team, membership, .. } in unfinished {
            match self.sweep_one_unfinished(team, membership, patience).await {
                Ok(true) => {}
                Ok(false) => left += 1,
                Err(error) => {
                    tracing::error!(%team, %membership, %error, "a removal is not swept");
                    failure = failure.or(Some(error));
                }
            }
        }
        failure.map_or(Ok(left), Err)
    }

    /// Tells whether the removal needs no more sweeps.
    async fn sweep_one_unfinished(
        &self,
        team: TeamId,
        membership: MembershipId,
        patience: Patience,
    ) -> Result<bool, Error> {
        let began = self.now();
        let removal: Option<Removal> = self.get(&keys::removal(team, membership)).await?;
        let Some(removal) = removal else { return Ok(false) };
        let swept = self.sweep(team, membership, &removal.principal, patience).await?;
        if swept.work() > 0 || !removal.may_rest(began, patience.watch) {
            return Ok(false);
        }
        until_settled!(self, {
            let writes = vec![
                Write::delete(keys::unfinished(team, membership)),
                Write::check(keys::removal(team, membership), NOTHING_FOUND_SINCE)
                    .value(":findings", removal.findings)?,
            ];
            match self.transact(writes).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 1) => Ok(false),
                other => Ok(other.map(|()| true)?),
            }
        })
    }

    /// The removal; made here if the member was deleted by other hands than the API's.
    async fn ensure_removal(
        &self,
        team: TeamId,
        membership: MembershipId,
        principal: &Principal,
    ) -> Result<Removal, Error> {
        let key = keys::removal(team, membership);
        until_settled!(self, {
            if let Some(removal) = self.get(&key).await? {
                return Ok(removal);
            }
            let now = self.now();
            let removal = Removal::new(membership, principal.clone(), principal.clone(), now);
            let unfinished = Unfinished { team, membership, since: now };
            let writes = vec![
                Write::put(key.clone(), &removal)?.when(REMOVAL_ABSENT),
                Write::put(keys::unfinished(team, membership), &unfinished)?,
            ];
            match self.transact(writes).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 0) => Err(Halt::Again),
                other => Ok(other.map(|()| removal)?),
            }
        })
    }

    /// Removes a node that the membership sponsors, counted on the removal in the same
    /// transaction. Tells whether it is gone: a node that has another sponsor by now stays.
    async fn remove_sponsored(
        &self,
        team: TeamId,
        membership: MembershipId,
        found: Node,
    ) -> Result<bool, Error> {
        let key = keys::node(team, &found.hostname);
        let mut as_listed = Some(found);
        until_settled!(self, {
            let current = match as_listed.take() {
                Some(node) => Some(node),
                None => self.get(&key).await?,
            };
            // By this sweep, if an answer was lost, or by another.
            let Some(current) = current else { return Ok(true) };
            if current.sponsor.membership != membership {
                return Ok(false);
            }
            let mut writes = removing(team, &current)?;
            let count = "ADD nodes_removed :one, findings :one REMOVE clean_since, completed_at";
            let count = Write::update(keys::removal(team, membership), count);
            writes.push(count.value(":one", 1)?);
            self.transact(writes).await?;
            Ok(true)
        })
    }

    /// Writes down what a sweep came to. That it found nothing counts only if no other sweep has
    /// found anything meanwhile; if it did find something, the schedule looks after it again.
    async fn record(&self, team: TeamId, before: &Removal, after: &Removal) -> Result<(), Error> {
        if after == before {
            return Ok(());
        }
        let key = || keys::removal(team, before.membership);
        until_settled!(self, {
            let (write, again) = match (after.clean_since, after.completed_at) {
                (None, _) => {
                    let found = "SET tokens_revoked = :tokens ADD findings :one \
                                 REMOVE clean_since, completed_at";
                    let (since, membership) = (before.requested_at, before.membership);
                    let again = Unfinished { team, membership, since };
                    let again = Write::put(keys::unfinished(team, membership), &again)?;
                    (Write::update(key(), found).value(":one", 1)?, Some(again))
                }
                (Some(clean), None) => {
                    let clean_since = "SET tokens_revoked = :tokens, clean_since = :clean";
                    (Write::update(key(), clean_since).value(":clean", clean)?, None)
                }
                (Some(_), Some(done)) => {
                    let completed = "SET tokens_revoked = :tokens, completed_at = :done";
                    (Write::update(key(), completed).value(":done", done)?, None)
                }
            };
            let mut write = write.value(":tokens", after.tokens_revoked)?;
            if again.is_none() {
                write = write.when(NOTHING_FOUND_SINCE).value(":findings", before.findings)?;
            }
            match self.transact(iter::once(write).chain(again).collect()).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 0) => Ok(()),
                other => Ok(other?),
            }
        })
    }
}
