use futures_util::future::try_join_all;

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

/// A token through which nothing more passes.
pub(super) struct Stopped {
    pub(super) token: Token,
    pub(super) usage: Usage,
    /// How many of its gates in the lanes were open.
    pub(super) were_open: usize,
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
        until_settled!(self, {
            let token = self.mark_revoked(team, id, &revocation).await?;
            let (count, tally) = match &token.gate {
                // The mark has closed it.
                Gates::Own(gate) => {
                    let usage = Usage::of([gate]);
                    return Ok(Stopped { token, usage, were_open: 0 });
                }
                Gates::InLanes { count, tally } => (*count, tally.clone()),
            };
            let (tally, were_open) = match tally {
                Some(tally) => (tally, 0),
                None => self.close_gates(team, id, count).await?,
            };
            self.put_away(team, id, count, &tally).await?;
            Ok(Stopped { token, usage: Usage::of([&tally]), were_open })
        })
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
            match self.write(mark).await {
                Ok(Some(item)) | Err(Failure::Condition(Some(item))) => Ok(from_item(item)?),
                Err(Failure::Condition(None)) => Err(Refusal::NotFound.into()),
                Ok(None) => Err(Fault("an update answered without its item".to_owned()).into()),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    /// Closes the gates and writes down what they come to. Tells that, and how many were open.
    async fn close_gates(
        &self,
        team: TeamId,
        id: TokenId,
        count: u8,
    ) -> Result<(Gate, usize), Halt> {
        let gates = self.gates(team, id, count).await?.ok_or(Halt::Again)?;
        let were_open = gates.values().filter(|gate| gate.closed_at.is_none()).count();
        let close = gates.into_iter().map(|(number, gate)| async move {
            match gate.closed_at {
                Some(_) => Ok(gate),
                None => self.close(team, id, number).await,
            }
        });
        let tally = Gate::closed(&try_join_all(close).await?, self.now());
        let write = Write::update(keys::token(team, id), "SET gate.tally = :tally");
        self.write(write.value(":tally", &tally)?).await?;
        Ok((tally, were_open))
    }

    /// Closes a gate; if it is not there any more, the token has to be looked at again.
    async fn close(&self, team: TeamId, id: TokenId, number: GateNumber) -> Result<Gate, Halt> {
        let now = self.now();
        let closed = until_settled!(self, {
            let key = keys::gate(team, id, number);
            let close =
                Write::update(key, "SET gate.closed_at = if_not_exists(gate.closed_at, :now)");
            match self.write(close.when(GATE_PRESENT).value(":now", now)?).await {
                Ok(Some(item)) => Ok(Some(from_item::<GateItem>(item)?.gate)),
                Err(Failure::Condition(_)) => Ok(None),
                Ok(None) => Err(Fault("an update answered without its item".to_owned()).into()),
                Err(failure) => Err(failure.into()),
            }
        });
        closed?.ok_or(Halt::Again)
    }

    /// Makes what closed gates come to the only gate of their token, and deletes them: they never
    /// change again, and lists would read them for ever. If something stands in the way, they stay
    /// until the token is stopped once more.
    async fn put_away(
        &self,
        team: TeamId,
        id: TokenId,
        count: u8,
        tally: &Gate,
    ) -> Result<(), Failure> {
        let writes = || {
            let token = Write::update(keys::token(team, id), "SET gate = :tally");
            let mut writes = vec![token.value(":tally", tally)?];
            let gates = GateNumber::all(count).map(|gate| keys::gate(team, id, gate));
            writes.extend(gates.map(Write::delete));
            Ok(writes)
        };
        match self.offer(writes).await {
            Err(failure) if failure.is_contention() => Ok(()),
            settled => settled,
        }
    }
}
