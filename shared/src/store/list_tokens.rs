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

/// What is read of a token: all but its key and its hash.
const OF_TOKENS: &[&str] = &[
    "id",
    "name",
    "policy",
    "origin",
    "created_at",
    "created_by",
    "membership",
    "revocation",
    "exhausted_at",
    "gate",
];
/// What is read of a gate.
const OF_GATES: &[&str] = &["token", "gate"];

/// What those of a token's gates come to that were seen.
#[derive(Default)]
struct Sum {
    gates: usize,
    usage: Usage,
}

impl Session {
    /// Every token of the team with its usage, in no order.
    pub async fn list_tokens(
        &self,
        team: TeamId,
        caller: &Principal,
    ) -> Result<Vec<(Token, Usage)>, Error> {
        let first = self.first(keys::tokens(team).only(OF_TOKENS), None, FIRST);
        let mut tokens: Vec<Token> =
            self.authorize_beside(team, caller, Role::manages_tokens, first).await?;
        let is_wide = |token: &Token| token.gate.usage().is_none();
        let any_wide = tokens.iter().any(is_wide);
        // As many as were asked for: there may be more.
        let rest = self.tokens_after(team, tokens.get(FIRST - 1).map(|last| last.id));
        let sums =
            async { if any_wide { self.sums_by_token(team).await } else { Ok(HashMap::new()) } };
        let (rest, mut sums) = try_join(rest, sums).await?;
        if !any_wide && rest.iter().any(is_wide) {
            sums = self.sums_by_token(team).await?;
        }
        tokens.extend(rest);
        for token in &mut tokens {
            let Gates::InLanes { count, tally: None } = token.gate else { continue };
            let torn = sums.get(&token.id).is_none_or(|sum| sum.gates < usize::from(count));
            // They were put away meanwhile, unless they are not all visible yet.
            if torn
                && let Some(now) =
                    self.all(keys::one_token(team, token.id).only(OF_TOKENS)).await?.pop()
            {
                *token = now;
            }
        }
        let with_usage = |token: Token| {
            let in_lanes = || sums.get(&token.id).map(|sum| sum.usage).unwrap_or_default();
            let usage = token.gate.usage().unwrap_or_else(in_lanes);
            (token, usage)
        };
        Ok(tokens.into_iter().map(with_usage).collect())
    }

    /// The tokens after `last`; none if there is none.
    async fn tokens_after(&self, team: TeamId, last: Option<TokenId>) -> Result<Vec<Token>, Error> {
        let parts = last.map(|last| keys::tokens_after(team, last)).into_iter().flatten();
        let parts = try_join_all(parts.map(|part| self.all(part.only(OF_TOKENS)))).await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The sums over all gates in the team's lanes.
    async fn sums_by_token(&self, team: TeamId) -> Result<HashMap<TokenId, Sum>, Error> {
        let lanes =
            Lane::all().map(|lane| self.all::<GateItem>(keys::gates(team, lane).only(OF_GATES)));
        let mut sums: HashMap<TokenId, Sum> = HashMap::new();
        for item in try_join_all(lanes).await?.into_iter().flatten() {
            let sum = sums.entry(item.token).or_default();
            sum.gates += 1;
            sum.usage = sum.usage.and(&item.gate);
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::gate::Gate;
    use crate::domain::id::MembershipId;
    use crate::domain::timestamp::Timestamp;
    use crate::domain::token::{Origin, Policy, Revocation};

    #[test]
    fn every_field_of_a_token_and_of_a_gate_is_read() {
        let by: Principal = "alice@example.com".parse().unwrap();
        let gate = Gate::new(1);
        let token = Token {
            id: TokenId::from_bytes([1; 8]),
            name: "sample".parse().unwrap(),
            policy: Policy::default(),
            origin: Origin::Admin,
            created_at: Timestamp::from_unix(1),
            created_by: by.clone(),
            membership: MembershipId::from_bytes([1; 8]),
            revocation: Some(Revocation { at: Timestamp::from_unix(2), by, removal: None }),
            exhausted_at: Some(Timestamp::from_unix(3)),
            gate: Gates::Own(gate.clone()),
        };
        let names = |entity: serde_json::Value| {
            entity.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>()
        };
        let read = |attributes: &[&str]| attributes.iter().map(|n| (*n).to_owned()).collect();
        assert_eq!(names(serde_json::to_value(&token).unwrap()), read(OF_TOKENS));
        let gate = GateItem { token: token.id, gate };
        assert_eq!(names(serde_json::to_value(&gate).unwrap()), read(OF_GATES));
    }
}
