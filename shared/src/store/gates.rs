//! The gates of wide tokens, as they lie in the lanes.

use std::collections::BTreeMap;

use crate::domain::gate::{Gate, GateNumber};
use crate::domain::id::{TeamId, TokenId};

use super::entity::from_item;
use super::{Error, Session, keys};

/// A gate and whose it is.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct GateItem {
    pub(super) token: TokenId,
    pub(super) gate: Gate,
}

impl Session {
    /// The gates of a wide token, or `None` if one is missing: they have been put away since the
    /// token was read, or are not all visible yet.
    pub(super) async fn gates(
        &self,
        team: TeamId,
        token: TokenId,
        count: u8,
    ) -> Result<Option<BTreeMap<GateNumber, Gate>>, Error> {
        let keyed: Vec<_> =
            GateNumber::all(count).map(|gate| (gate, keys::gate(team, token, gate))).collect();
        let wanted: Vec<_> = keyed.iter().map(|(_, key)| key.clone()).collect();
        let mut found = self.get_all(&wanted).await?;
        let mut gates = BTreeMap::new();
        for (number, key) in keyed {
            let Some(item) = found.remove(&key) else {
                self.note(format!("{token} has no gate {}", number.number()));
                return Ok(None);
            };
            gates.insert(number, from_item::<GateItem>(item)?.gate);
        }
        Ok(Some(gates))
    }
}
