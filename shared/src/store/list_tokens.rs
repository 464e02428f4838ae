use std::collections::HashMap;

use futures_util::future::try_join_all;

use crate::domain::gate::{Gates, Lane, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::role::Role;
use crate::domain::token::Token;

use super::gates::GateItem;
use super::{Error, Session, keys};

impl Session {
    /// Every token of the team with its usage, in no order.
    pub async fn list_tokens(
        &self,
        team: TeamId,
        caller: &Principal,
    ) -> Result<Vec<(Token, Usage)>, Error> {
        self.authorize(team, caller, Role::manages_tokens).await?;
        let tokens: Vec<Token> = self.all(keys::tokens(team)).await?;
        let any_wide = tokens.iter().any(|token| matches!(token.gate, Gates::InLanes { .. }));
        let sums = if any_wide { self.usage_by_token(team).await? } else { HashMap::new() };
        let with_usage = |token: Token| {
            let usage = match &token.gate {
                Gates::Own(gate) => Usage::of([gate]),
                Gates::InLanes { .. } => sums.get(&token.id).copied().unwrap_or_default(),
            };
            (token, usage)
        };
        Ok(tokens.into_iter().map(with_usage).collect())
    }

    /// The sums over all gates in the team's lanes.
    async fn usage_by_token(&self, team: TeamId) -> Result<HashMap<TokenId, Usage>, Error> {
        let lanes = Lane::all().map(|lane| self.all::<GateItem>(keys::gates(team, lane)));
        let mut sums: HashMap<TokenId, Usage> = HashMap::new();
        for item in try_join_all(lanes).await?.into_iter().flatten() {
            let sum = sums.entry(item.token).or_default();
            *sum = sum.and(&item.gate);
        }
        Ok(sums)
    }
}
