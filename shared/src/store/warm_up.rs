use crate::domain::id::{TeamId, TokenId};
use crate::domain::principal::Principal;

use super::{MemberRef, Session, keys};

/// A read that a function may do, to open its connection before the first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// None: the function reads nothing.
    None,
    /// A member.
    Member,
    /// The teams of a principal.
    MyTeams,
    /// A token.
    Token,
    /// A node.
    Node,
    /// The unfinished removals.
    Removals,
}

impl Session {
    /// Does the read, of something that is not there. It does not matter what comes of it.
    pub async fn warm_up(&self, what: WarmUp) {
        let team = TeamId::from_bytes([0; 8]);
        let Ok(nobody) = "nobody@invalid".parse::<Principal>() else { return };
        let done = match what {
            WarmUp::None => Ok(()),
            WarmUp::Member => self.find_member(team, &MemberRef::Principal(nobody)).await.map(drop),
            WarmUp::MyTeams => self.list_teams(&nobody, None, 1).await.map(drop),
            WarmUp::Token => {
                let key = keys::token(team, TokenId::from_bytes([0; 8]));
                self.get_all(&[key]).await.map(drop)
            }
            WarmUp::Node => match "nobody".parse() {
                Ok(nobody) => {
                    self.get::<serde::de::IgnoredAny>(&keys::node(team, &nobody)).await.map(drop)
                }
                Err(_) => Ok(()),
            },
            WarmUp::Removals => {
                self.first::<serde::de::IgnoredAny>(keys::all_unfinished(), None, 1).await.map(drop)
            }
        };
        if let Err(error) = done {
            tracing::debug!(%error, "not warmed up");
        }
    }
}
