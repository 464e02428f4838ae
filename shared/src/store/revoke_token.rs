use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use crate::domain::gate::{Gate, GateNumber, Gates, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::{Revocation, Token};

use super::conditions::{GATE_PRESENT, TOKEN_NOT_REVOKED};
use super::entity::from_item;
use super::gates::GateItem;
use super::session::{Halt, until_settled};
use super::table::{Failure, Fault, Write};
use super::{Error, Session, keys};

/// How long a token's gates may take to be visible, all of them, once the token is: longer than a
/// transaction takes that has lost its coordinator.
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

/// A token through which nothing more passes.
pub(super) struct Stopped {
    pub(super) token: Token,
    pub(super) usage: Usage,
    /// How many of its gates in the lanes were closed for it.
    pub(super) closed: usize,
}

impl Session {
    /// Stops a token for good. When this returns, nothing more passes any of its gates. A revoke
    /// that died half-way is made whole by the next.
    pub async fn revoke_token(
        &self,
        team: TeamId,
        caller: &Principal,
        id: TokenId,
    ) -> Result<(Token, Usage), Error> {
        self.authorize(team, caller, Role::manages_tokens).await?;
        let revocation = Revocation { at: self.now(), by: caller.clone(), removal: None };
        let Stopped { token, usage, .. } = self.stop(team, id, revocation).await?;
        Ok((token, usage))
    }

    /// Marks a token as revoked and closes its gates, for those who had read it before.
    pub(super) async fn stop(
        &self,
        team: TeamId,
        id: TokenId,
        revocation: Revocation,
    ) -> Result<Stopped, Error> {
        let (began, closed) = (Instant::now(), AtomicUsize::new(0));
        let (token, tally) = until_settled!(self, {
            let token = self.mark_revoked(team, id, &revocation).await?;
            let count = match &token.gate {
                // The mark has closed it, or all are closed.
                Gates::Own(gate) | Gates::InLanes { tally: Some(gate), .. } => {
                    let tally = gate.clone();
                    return Ok((token, tally));
                }
                Gates::InLanes { count, tally: None } => *count,
            };
            let Some(gates) = self.gates(team, id, count).await? else {
                let is_lost = began.elapsed() > VISIBLE_WITHIN;
                let lost = || Fault(self.unsettled().unwrap_or_default());
                return Err(if is_lost { lost().into() } else { Halt::Again });
            };
            let closed = &closed;
            let close = gates.into_iter().map(|(number, gate)| async move {
                match gate.closed_at {
                    Some(_) => Ok(gate),
                    None => self.close(team, id, number, closed).await,
                }
            });
            let gates = try_join_all(close).await?;
            Ok((token, Gate::closed(&gates, self.now())))
        })?;
        if let Gates::InLanes { count, .. } = token.gate {
            let put_away = async { Ok(self.put_away(team, id, count, &tally).await) };
            match self.within_deadline(put_away).await {
                Ok(Ok(())) => {}
                failed => tracing::info!(token = %id, ?failed, "gates are not put away"),
            }
        }
        let closed = closed.into_inner();
        Ok(Stopped { token, usage: Usage::of([&tally]), closed })
    }

    /// Marks the token, so that whoever reads it from now on is refused, and, where it is its own
    /// gate, closes that. A token that is marked already stays as it is.
    async fn mark_revoked(
        &self,
        team: TeamId,
        id: TokenId,
        revocation: &Revocation,
    ) -> Result<Token, Error> {
        until_settled!(self, {
            let mark = Write::update(
                keys::token(team, id),
                "SET revocation = :revocation, gate.closed_at = :now",
            );
            let mark = mark
                .when(TOKEN_NOT_REVOKED)
                .value(":revocation", revocation)?
                .value(":now", revocation.at)?;
            match self.update(mark).await {
                Ok(item) | Err(Failure::Condition(Some(item))) => Ok(from_item(item)?),
                Err(Failure::Condition(None)) => Err(Refusal::NotFound.into()),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    /// Closes a gate; if it is not there any more, the token has to be looked at again.
    async fn close(
        &self,
        team: TeamId,
        id: TokenId,
        number: GateNumber,
        closed: &AtomicUsize,
    ) -> Result<Gate, Halt> {
        let now = self.now();
        let gate = until_settled!(self, {
            let key = keys::gate(team, id, number);
            let close =
                Write::update(key, "SET gate.closed_at = if_not_exists(gate.closed_at, :now)");
            match self.update(close.when(GATE_PRESENT).value(":now", now)?).await {
                Ok(item) => Ok(Some(from_item::<GateItem>(item)?.gate)),
                Err(Failure::Condition(_)) => Ok(None),
                Err(failure) => Err(failure.into()),
            }
        });
        let gate = gate?.ok_or(Halt::Again)?;
        closed.fetch_add(1, Ordering::Relaxed);
        Ok(gate)
    }

    /// Writes down what closed gates come to, makes that the only gate of their token, and deletes
    /// them: they never change again, and lists would read them for ever. The tally comes first,
    /// because a transaction becomes visible item by item. Tried once: the token is stopped already,
    /// and whoever stops it once more goes on from here.
    async fn put_away(
        &self,
        team: TeamId,
        id: TokenId,
        count: u8,
        tally: &Gate,
    ) -> Result<(), Failure> {
        let token = |change| Write::update(keys::token(team, id), change).value(":tally", tally);
        self.write(token("SET gate.tally = :tally")?).await?;
        let gates = GateNumber::all(count).map(|gate| keys::gate(team, id, gate));
        let delete = gates.map(Write::delete);
        self.send_once(iter::once(token("SET gate = :tally")?).chain(delete).collect()).await
    }
}
