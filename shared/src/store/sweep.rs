//! What follows the removal of a member, until nothing of the membership is left.

use std::iter;
use std::time::Duration;

use crate::domain::gate::{Gates, Lane};
use crate::domain::id::{MembershipId, TeamId};
use crate::domain::node::Node;
use crate::domain::principal::Principal;
use crate::domain::removal::{Removal, SETTLE, State, Unfinished, WATCH};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Revocation, Token};

use super::conditions::{NOTHING_FOUND_SINCE, REMOVAL_ABSENT};
use super::entity::from_item;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Tokens and gates that it closed.
    pub closed: u64,
    /// Nodes that it removed.
    pub nodes_removed: u64,
    /// When the removal was requested.
    pub requested_at: Timestamp,
    /// Whether the removal is done with it.
    pub completed: bool,
}

/// What the schedule found and did in one round.
#[derive(Debug, Default)]
pub struct Round {
    /// Removals that it looked after.
    pub looked_after: usize,
    /// Those that it goes on looking after.
    pub left: usize,
    /// Those of them that have not completed.
    pub unfinished: usize,
    /// When the oldest that has not completed was requested.
    pub oldest: Option<Timestamp>,
    /// Why the first that could not be swept could not be.
    pub failure: Option<Error>,
}

/// How far a removal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has not completed.
    Unfinished,
    /// It has, and is swept again for a while.
    Watched,
    /// It needs no more sweeps.
    AtRest,
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
        let (mut closed, mut nodes_removed, mut tokens_revoked) = (0, 0, 0);
        let tokens: Vec<Token> = self.all(keys::tokens(team)).await?;
        for mut token in tokens.into_iter().filter(|token| token.membership == membership) {
            let was_revoked = token.revocation.is_some();
            // A revoke by hand may have died half-way.
            if !was_revoked || matches!(token.gate, Gates::InLanes { .. }) {
                let by = before.requested_by.clone();
                let revocation = Revocation { at: self.now(), by, removal: Some(membership) };
                let stopped = self.stop(team, token.id, revocation).await?;
                token = stopped.token;
                closed += u64::from(!was_revoked);
                closed += u64::try_from(stopped.closed).unwrap_or(u64::MAX);
            }
            tokens_revoked += u64::from(token.revocation.is_some_and(|r| r.removal.is_some()));
        }
        for lane in Lane::all() {
            let mut nodes = self.walk::<Node>(keys::nodes(team, lane), None, None);
            while let Some(node) = nodes.next().await? {
                if node.sponsor.membership == membership {
                    let removed = self.remove_sponsored(team, membership, node).await?;
                    nodes_removed += u64::from(removed);
                }
            }
        }
        // A sweep that died may have closed what nobody has written down.
        let unrecorded = tokens_revoked.saturating_sub(before.tokens_revoked);
        let work = closed + nodes_removed + unrecorded;
        let after = before.clone().after_sweep(work, began, self.now(), patience.settle);
        let after = Removal { tokens_revoked, ..after };
        let stands = self.record(team, &before, &after).await?;
        let completed = stands && after.completed_at.is_some();
        Ok(Swept { closed, nodes_removed, requested_at: before.requested_at, completed })
    }

    /// Sweeps every removal that is looked after, and goes on past one that fails.
    pub async fn sweep_unfinished(&self, patience: Patience) -> Result<Round, Error> {
        let mut entries: Vec<Unfinished> = self.all(keys::all_unfinished()).await?;
        // Not always the same first: one session may not be enough for all.
        let first = self.draw_below(entries.len());
        entries.rotate_left(first);
        let removals: Vec<_> =
            entries.iter().map(|entry| keys::removal(entry.team, entry.membership)).collect();
        let mut removals = self.get_all(&removals).await?;
        let mut round = Round { looked_after: entries.len(), ..Round::default() };
        for Unfinished { team, membership, since } in entries {
            let item = removals.remove(&keys::removal(team, membership));
            let removal: Result<Option<Removal>, _> = item.map(from_item).transpose();
            let before = removal.as_ref().ok().and_then(Option::as_ref).map(Removal::state);
            let stage = match removal {
                Ok(Some(removal)) => self.sweep_again(team, &removal, patience).await,
                Ok(None) => Ok(Stage::Unfinished),
                Err(fault) => Err(fault.into()),
            };
            let stage = stage.unwrap_or_else(|error| {
                tracing::error!(%team, %membership, %error, "a removal is not swept");
                round.failure.get_or_insert(error);
                match before {
                    Some(State::Done) => Stage::Watched,
                    Some(State::Running) | None => Stage::Unfinished,
                }
            });
            round.left += usize::from(stage != Stage::AtRest);
            if stage == Stage::Unfinished {
                round.unfinished += 1;
                round.oldest = Some(round.oldest.map_or(since, |oldest| oldest.min(since)));
            }
        }
        Ok(round)
    }

    /// Sweeps a removal that is looked after, and drops its entry once it has been clean for long.
    async fn sweep_again(
        &self,
        team: TeamId,
        removal: &Removal,
        patience: Patience,
    ) -> Result<Stage, Error> {
        let began = self.now();
        let membership = removal.membership;
        let swept = self.sweep(team, membership, &removal.principal, patience).await?;
        if !swept.completed {
            return Ok(Stage::Unfinished);
        }
        if !removal.may_rest(began, patience.watch) {
            return Ok(Stage::Watched);
        }
        until_settled!(self, {
            let writes = vec![
                Write::delete(keys::unfinished(team, membership)),
                Write::check(keys::removal(team, membership), NOTHING_FOUND_SINCE)
                    .value(":findings", removal.findings)?,
            ];
            match self.send(writes).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 1) => {
                    Ok(Stage::Unfinished)
                }
                other => Ok(other.map(|()| Stage::AtRest)?),
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
            match self.send(writes).await {
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
            // By another sweep.
            let Some(current) = current else { return Ok(true) };
            if current.sponsor.membership != membership {
                return Ok(false);
            }
            let mut writes = removing(team, &current)?;
            let count = "ADD nodes_removed :one, findings :one REMOVE clean_since, completed_at";
            let count = Write::update(keys::removal(team, membership), count);
            writes.push(count.value(":one", 1)?);
            self.send(writes).await?;
            Ok(true)
        })
    }

    /// Writes down what a sweep came to. That it found nothing counts only if no other sweep has
    /// found anything meanwhile; if it did find something, the schedule looks after it again.
    /// Tells whether it stands.
    async fn record(&self, team: TeamId, before: &Removal, after: &Removal) -> Result<bool, Error> {
        if after == before {
            return Ok(true);
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
            match self.send(iter::once(write).chain(again).collect()).await {
                Err(Failure::Cancelled(reasons)) if is_blocked(&reasons, 0) => Ok(false),
                other => Ok(other.map(|()| true)?),
            }
        })
    }
}
