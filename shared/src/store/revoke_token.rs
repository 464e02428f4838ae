use futures_util::future::try_join_all;

use crate::domain::gate::{Gate, GateNumber, Gates, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::{Revocation, Token};

use super::conditions::TOKEN_NOT_REVOKED;
use super::entity::from_item;
use super::gates::GateItem;
use super::session::until_settled;
use super::table::{Failure, Fault, Write};
use super::{Error, Session, keys};

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
        let token = self.mark_revoked(team, id, revocation).await?;
        let (usage, _) = self.close_gates(team, &token).await?;
        Ok((token, usage))
    }

    /// Closes the gates of a token that is marked as revoked, for those who had read it before.
    /// Answers with its usage and with how many were open.
    pub(super) async fn close_gates(
        &self,
        team: TeamId,
        token: &Token,
    ) -> Result<(Usage, usize), Error> {
        let count = match &token.gate {
            // The mark has closed it.
            Gates::Own(gate) => return Ok((Usage::of([gate]), 0)),
            Gates::InLanes { count } => *count,
        };
        let gates = self.gates(team, token.id, count).await?;
        let open = gates.values().filter(|gate| gate.closed_at.is_none()).count();
        let close = gates.into_iter().map(|(number, gate)| async move {
            match gate.closed_at {
                Some(_) => Ok(gate),
                None => self.close(team, token.id, number).await,
            }
        });
        Ok((Usage::of(&try_join_all(close).await?), open))
    }

    /// Marks the token, so that whoever reads it from now on is refused, and, where it is its own
    /// gate, closes that. A token that is marked already stays as it is.
    pub(super) async fn mark_revoked(
        &self,
        team: TeamId,
        id: TokenId,
        revocation: Revocation,
    ) -> Result<Token, Error> {
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
                Ok(Some(item)) | Err(Failure::Condition(Some(item))) => Ok(from_item(item)?),
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
