use std::collections::HashMap;

use crate::domain::gate::{Gate, GateNumber, Gates, Usage};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::Token;

use super::create_token::GateItem;
use super::table::{Fault, from_item};
use super::{Error, Session, keys};

impl Session {
    /// One token of the team.
    pub async fn get_token(
        &self,
        team: TeamId,
        caller: &Principal,
        id: TokenId,
    ) -> Result<(Token, Usage), Error> {
        self.authorize(team, caller, Role::manages_tokens).await?;
        let token: Option<Token> = self.get(&keys::token(team, id)).await?;
        let token = token.ok_or(Refusal::NotFound)?;
        let usage = match &token.gate {
            Gates::Own(gate) => Usage::of([gate]),
            Gates::InLanes { count } => Usage::of(self.gates(team, id, *count).await?.values()),
        };
        Ok((token, usage))
    }

    /// The gates of a wide token. A gate that is missing is a fault, not a closed one.
    pub(super) async fn gates(
        &self,
        team: TeamId,
        token: TokenId,
        count: u8,
    ) -> Result<HashMap<GateNumber, Gate>, Error> {
        let keyed: Vec<_> =
            GateNumber::all(count).map(|gate| (gate, keys::gate(team, token, gate))).collect();
        let wanted: Vec<_> = keyed.iter().map(|(_, key)| key.clone()).collect();
        let mut found = self.get_all(&wanted).await?;
        let mut gates = HashMap::with_capacity(keyed.len());
        for (number, key) in keyed {
            let item = found
                .remove(&key)
                .ok_or_else(|| Fault(format!("{token} has no gate {}", number.number())))?;
            gates.insert(number, from_item::<GateItem>(item)?.gate);
        }
        Ok(gates)
    }
}
