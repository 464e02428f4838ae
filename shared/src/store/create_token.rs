use crate::domain::gate::{Gate, Gates};
use crate::domain::id::{TeamId, TokenId};
use crate::domain::plaintext::Plaintext;
use crate::domain::principal::Principal;
use crate::domain::role::Role;
use crate::domain::text::Name;
use crate::domain::token::{MaxUses, Origin, Policy, SELF_ENROLL_LIFETIME, Token};

use super::conditions::{CALLER_IN_MEMBERSHIP, TOKEN_ABSENT};
use super::gates::GateItem;
use super::session::until_settled;
use super::table::Write;
use super::team_writes::caller_as_read;
use super::{Error, Session, keys};

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What its maker calls it.
    pub name: Name,
    /// What it admits.
    pub policy: Policy,
}

/// A token just made: the one time that its plaintext is at hand.
#[derive(Debug)]
pub struct Made {
    /// The token.
    pub token: Token,
    /// Its plaintext.
    pub plaintext: Plaintext,
}

impl Session {
    /// Makes a token for an owner or admin.
    pub async fn create_token(
        &self,
        team: TeamId,
        caller: &Principal,
        new: NewToken,
    ) -> Result<Made, Error> {
        self.make_token(team, caller, new, Origin::Admin).await
    }

    /// Makes a token for one device of any member's own, valid for minutes.
    pub async fn self_enroll(
        &self,
        team: TeamId,
        caller: &Principal,
        name: Name,
    ) -> Result<Made, Error> {
        let policy = Policy {
            allowed_kinds: None,
            expires_at: Some(self.now().after(SELF_ENROLL_LIFETIME)),
            max_uses: Some(MaxUses::ONE),
        };
        self.make_token(team, caller, NewToken { name, policy }, Origin::SelfEnroll).await
    }

    async fn make_token(
        &self,
        team: TeamId,
        caller: &Principal,
        new: NewToken,
        origin: Origin,
    ) -> Result<Made, Error> {
        let may = |role: Role| origin == Origin::SelfEnroll || role.manages_tokens();
        let (own, in_lanes) = Gates::plan(new.policy.max_uses);
        until_settled!(self, {
            let by = self.authorize(team, caller, may).await?;
            let id = TokenId::from_bytes(self.draw());
            let plaintext = Plaintext::new(team, id, self.draw());
            let token = Token {
                id,
                name: new.name.clone(),
                policy: new.policy.clone(),
                origin,
                created_at: self.now(),
                created_by: caller.clone(),
                membership: by.membership,
                revocation: None,
                exhausted_at: None,
                gate: own.clone(),
            };
            let caller_still = match origin {
                Origin::Admin => caller_as_read(team, &by)?,
                Origin::SelfEnroll => {
                    Write::check(keys::member(team, caller), CALLER_IN_MEMBERSHIP)
                        .value(":caller", by.membership)?
                }
            };
            let put =
                Write::put_with(keys::token(team, id), &token, keys::TOKEN_HASH, plaintext.hash())?;
            let mut writes = vec![put.when(TOKEN_ABSENT), caller_still];
            for (number, quota) in &in_lanes {
                let gate = GateItem { token: id, gate: Gate::new(*quota) };
                writes.push(Write::put(keys::gate(team, id, *number), &gate)?);
            }
            Ok(self.send(writes).await.map(|()| Made { token, plaintext })?)
        })
    }
}
