use crate::domain::gate::{Gates, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::Token;

use super::session::{Halt, until_settled};
use super::{Error, Session, keys};

impl Session {
    /// One token of the team.
    pub async fn get_token(
        &self,
        team: TeamId,
        caller: &Principal,
        id: TokenId,
    ) -> Result<(Token, Usage), Error> {
        let key = keys::token(team, id);
        let token = self.get::<Token>(&key);
        let token = self.authorize_beside(team, caller, Role::manages_tokens, token).await?;
        let mut as_read = Some(token.ok_or(Refusal::NotFound)?);
        until_settled!(self, {
            let token = match as_read.take() {
                Some(token) => token,
                None => self.get::<Token>(&key).await?.ok_or(Refusal::NotFound)?,
            };
            let usage = match &token.gate {
                Gates::Own(gate) | Gates::InLanes { tally: Some(gate), .. } => Usage::of([gate]),
                Gates::InLanes { count, tally: None } => {
                    let gates = self.gates(team, id, *count).await?.ok_or(Halt::Again)?;
                    Usage::of(gates.values())
                }
            };
            Ok((token, usage))
        })
    }
}
