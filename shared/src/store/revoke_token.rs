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
            let count = match &token.gate {
                // The mark has closed it.
                Gates::Own(gate) => {
                    let usage = Usage::of([gate]);
                    return Ok(Stopped { token, usage, were_open: 0 });
                }
                Gates::InLanes { count } => *count,
            };
            let gates = self.gates(team, id, count).await?.ok_or(Halt::Again)?;
            let were_open = gates.values().filter(|gate| gate.closed_at.is_none()).count();
            let close = gates.into_iter().map(|(number, gate)| async move {
                match gate.closed_at {
                    Some(_) => Ok(gate),
                    None => self.close(team, id, number).await,
                }
            });
            let gates = try_join_all(close).await?;
            self.put_away(team, id, &gates).await?;
            Ok(Stopped { token, usage: Usage::of(&gates), were_open })
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

    /// Writes what closed gates come to into their token, as its only gate, and deletes them: they
    /// never change again, and lists would read them for ever. If something stands in the way, they
    /// stay until the token is stopped once more.
    async fn put_away(&self, team: TeamId, id: TokenId, gates: &[Gate]) -> Result<(), Failure> {
        let sum = Gate::closed(gates, self.now());
        let writes = || {
            let token = Write::update(keys::token(team, id), "SET gate = :gate");
            let mut writes = vec![token.value(":gate", &sum)?];
            let numbers = GateNumber::all(u8::try_from(gates.len()).unwrap_or(u8::MAX));
            writes.extend(numbers.map(|gate| Write::delete(keys::gate(team, id, gate))));
            Ok(writes)
        };
        match self.offer(writes).await {
            Err(failure) if failure.is_contention() => Ok(()),
            settled => settled,
        }
    }
}
