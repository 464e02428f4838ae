use futures_util::future::try_join_all;

use crate::domain::gate::{Gate, GateNumber, Gates, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::{Revocation, Token};

use super::conditions::TOKEN_NOT_REVOKED;
use super::create_token::GateItem;
use super::session::until_settled;
use super::table::{Failure, Fault, Write, from_item};
use super::{Error, Session, keys};

/// What a revoke changed.
#[derive(Debug)]
pub(super) struct Revoked {
    pub(super) token: Token,
    pub(super) usage: Usage,
    /// Marks set and gates closed; 0 if there was nothing left to do.
    pub(super) work: u64,
}

impl Session {
    /// Stops a token for good. When this returns, nothing more passes any of its gates.
    pub async fn revoke_token(
        &self,
        team: TeamId,
        caller: &Principal,
        id: TokenId,
    ) -> Result<(Token, Usage), Error> {
        self.authorize(team, caller, Role::manages_tokens).await?;
        let revocation = Revocation { at: self.now(), by: caller.clone(), removal: None };
        let revoked = self.revoke(team, id, revocation).await?;
        Ok((revoked.token, revoked.usage))
    }

    /// Marks the token first, so that whoever reads it from now on is refused, then closes each
    /// gate for those who had read it before. A revoke that died in between is made whole.
    pub(super) async fn revoke(
        &self,
        team: TeamId,
        id: TokenId,
        revocation: Revocation,
    ) -> Result<Revoked, Error> {
        let (token, marked) = self.mark_revoked(team, id, revocation).await?;
        match token.gate {
            Gates::Own(ref gate) => {
                let usage = Usage::of([gate]);
                Ok(Revoked { token, usage, work: marked.into() })
            }
            Gates::InLanes { count } => {
                let gates = self.gates(team, id, count).await?;
                let open = gates.iter().filter(|(_, gate)| gate.closed_at.is_none()).count();
                let close = gates.into_iter().map(|(number, gate)| async move {
                    match gate.closed_at {
                        Some(_) => Ok(gate),
                        None => self.close(team, id, number).await,
                    }
                });
                let closed = try_join_all(close).await?;
                let work = u64::try_from(open).unwrap_or(u64::MAX);
                Ok(Revoked { token, usage: Usage::of(&closed), work: work + u64::from(marked) })
            }
        }
    }

    /// Marks the token and, where it is its own, closes its gate; tells whether that was new.
    async fn mark_revoked(
        &self,
        team: TeamId,
        id: TokenId,
        revocation: Revocation,
    ) -> Result<(Token, bool), Error> {
        until_settled!(self, {
            let mark = Write::update(
                keys::token(team, id),
                "SET revocation = :revocation, gate.closed_at = :now",
            );
            let mark = mark
                .when(TOKEN_NOT_REVOKED)
                .value(":revocation", &revocation)?
                .value(":now", revocation.at)?;
            match self.write(mark).await {
                Ok(Some(item)) => Ok((from_item(item)?, true)),
                Err(Failure::Condition(Some(item))) => {
                    let token: Token = from_item(item)?;
                    // Ours is there: an answer was lost.
                    let ours = token.revocation.as_ref() == Some(&revocation);
                    Ok((token, ours))
                }
                Err(Failure::Condition(None)) => Err(Refusal::NotFound.into()),
                Ok(None) => Err(Fault("an update answered without its item".to_owned()).into()),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    async fn close(&self, team: TeamId, id: TokenId, number: GateNumber) -> Result<Gate, Error> {
        let now = self.now();
        until_settled!(self, {
            let key = keys::gate(team, id, number);
            let close =
                Write::update(key, "SET gate.closed_at = if_not_exists(gate.closed_at, :now)");
            match self.write(close.value(":now", now)?).await {
                Ok(Some(item)) => Ok(from_item::<GateItem>(item)?.gate),
                Ok(None) => Err(Fault("an update answered without its item".to_owned()).into()),
                Err(failure) => Err(failure.into()),
            }
        })
    }
}
