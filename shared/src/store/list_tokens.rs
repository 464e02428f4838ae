use std::collections::HashMap;

use futures_util::future::{try_join, try_join_all};

use crate::domain::gate::{Gates, Lane, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::role::Role;
use crate::domain::token::Token;

use super::gates::GateItem;
use super::{Error, Session, keys};

/// Tokens that are read beside the caller's membership: all that most teams have, and so little that
/// it does not matter who asks for it.
const FIRST: usize = 50;

impl Session {
    /// Every token of the team with its usage, in no order.
    pub async fn list_tokens(
        &self,
        team: TeamId,
        caller: &Principal,
    ) -> Result<Vec<(Token, Usage)>, Error> {
        let first = self.first(keys::tokens(team), None, FIRST);
        let mut tokens: Vec<Token> =
            self.authorize_beside(team, caller, Role::manages_tokens, first).await?;
        let is_wide = |token: &Token| matches!(token.gate, Gates::InLanes { .. });
        let any_wide = tokens.iter().any(is_wide);
        // As many as were asked for: there may be more.
        let rest = self.tokens_after(team, tokens.get(FIRST - 1).map(|last| last.id));
        let sums =
            async { if any_wide { self.usage_by_token(team).await } else { Ok(HashMap::new()) } };
        let (rest, mut sums) = try_join(rest, sums).await?;
        if !any_wide && rest.iter().any(is_wide) {
            sums = self.usage_by_token(team).await?;
        }
        tokens.extend(rest);
        let with_usage = |token: Token| {
            let usage = match &token.gate {
                Gates::Own(gate) => Usage::of([gate]),
                Gates::InLanes { .. } => sums.get(&token.id).copied().unwrap_or_default(),
            };
            (token, usage)
        };
        Ok(tokens.into_iter().map(with_usage).collect())
    }

    /// The tokens after `last`; none if there is none.
    async fn tokens_after(&self, team: TeamId, last: Option<TokenId>) -> Result<Vec<Token>, Error> {
        let parts = last.map(|last| keys::tokens_after(team, last)).into_iter().flatten();
        let parts = try_join_all(parts.map(|part| self.all(part))).await?;
        Ok(parts.into_iter().flatten().collect())
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
