//! A team to try calls in.

use std::sync::Arc;
use std::time::Duration;

use muster_local::engine::Engine;
use muster_shared::domain::id::{MembershipId, TeamId};
use muster_shared::domain::principal::Principal;
use muster_shared::domain::report::Report;
use muster_shared::domain::role::Role;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::{MaxUses, Policy};
use muster_shared::environment::{Clock, Environment};
use muster_shared::store::{Made, MemberRef, NewToken, Registration, Store};

use crate::Error;

use super::event::Device;

/// Who owns every team: whom the sample events are from.
pub const OWNER: &str = "owner@example.com";

/// A team and the table that it is in.
#[derive(Clone)]
pub struct Team {
    store: Store,
    earlier: Store,
    owner: Principal,
    /// Its id.
    pub id: TeamId,
}

/// A clock that is an hour behind.
struct AnHourAgo(Arc<dyn Clock>);

impl Clock for AnHourAgo {
    fn now(&self) -> Timestamp {
        self.0.now().before(Duration::from_hours(1))
    }
}

impl Team {
    /// A new one.
    pub async fn new(engine: &Engine) -> Result<Self, Error> {
        let store = engine.store(Environment::system());
        let system = Environment::system();
        let clock = Arc::new(AnHourAgo(Arc::clone(&system.clock)));
        let earlier = engine.store(Environment { clock, ..system });
        let owner: Principal = OWNER.parse().map_err(Error::scene)?;
        let name = "Example".parse().map_err(Error::scene)?;
        let made = store.request().create_team(&owner, name).await.map_err(Error::scene)?;
        Ok(Self { store, earlier, owner, id: made.id })
    }

    /// A token of the owner's: with one gate if its uses are few, with many if they have no limit.
    pub async fn token(&self, max_uses: Option<u64>) -> Result<Made, Error> {
        self.token_of(&self.owner, max_uses).await
    }

    async fn token_of(&self, who: &Principal, max_uses: Option<u64>) -> Result<Made, Error> {
        let max_uses = max_uses.map(MaxUses::try_from).transpose().map_err(Error::scene)?;
        let name = "Ansible Playbook".parse().map_err(Error::scene)?;
        let new = NewToken { name, policy: Policy { max_uses, ..Policy::default() } };
        self.store.request().create_token(self.id, who, new).await.map_err(Error::scene)
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &Made) -> Result<(), Error> {
        let request = self.store.request();
        let revoked = request.revoke_token(self.id, &self.owner, token.token.id).await;
        revoked.map(drop).map_err(Error::scene)
    }

    /// Lets a node in, with what the sample event reports of it.
    pub async fn node(&self, token: &Made, hostname: &str) -> Result<(), Error> {
        let mut report = Report::of(hostname.parse().map_err(Error::scene)?);
        report.name = Some("Web 1".parse().map_err(Error::scene)?);
        let registration = Registration { plaintext: token.plaintext.clone(), report, key: None };
        let registered = self.store.request().register_node(&registration).await;
        registered.map(drop).map_err(Error::scene)
    }

    /// Lets a device in, an hour ago.
    pub async fn device(&self, token: &Made, hostname: &str, device: &Device) -> Result<(), Error> {
        let (plaintext, key) = (token.plaintext.clone(), Some(device.key()?));
        let report = Report::of(hostname.parse().map_err(Error::scene)?);
        let registration = Registration { plaintext, report, key };
        let registered = self.earlier.request().register_node(&registration).await;
        registered.map(drop).map_err(Error::scene)
    }

    /// Adds a member.
    pub async fn member(&self, who: &str, role: Role) -> Result<Principal, Error> {
        let who: Principal = who.parse().map_err(Error::scene)?;
        let request = self.store.request();
        let added = request.add_member(self.id, &self.owner, who.clone(), role).await;
        added.map(|_| who).map_err(Error::scene)
    }

    /// An admin who let nodes in and was removed; answers with the membership that ended.
    pub async fn removed(&self, who: &str, nodes: usize) -> Result<MembershipId, Error> {
        let principal = self.member(who, Role::Admin).await?;
        let token = self.token_of(&principal, None).await?;
        for n in 0..nodes {
            self.node(&token, &format!("web-{n}.example.com")).await?;
        }
        let request = self.store.request();
        let by = MemberRef::Membership(token.token.membership);
        let removal = request.remove_member(self.id, &self.owner, &by).await;
        removal.map(|removal| removal.membership).map_err(Error::scene)
    }
}
