//! A team, its people and its machines, and the store between them and the engine.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster_local::Data;
use muster_local::engine::Engine;
use muster_shared::domain::id::{MembershipId, TeamId};
use muster_shared::domain::key::PublicKey;
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::removal::{Removal, SETTLE};
use muster_shared::domain::report::Report;
use muster_shared::domain::role::Role;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::{MaxUses, Policy};
use muster_shared::environment::{Clock, Entropy, Environment, SignIn};
use muster_shared::store::{
    Error, Made, MemberRef, NewToken, Patience, Registered, Registration, Session, Store, Swept,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::faults::Faults;
use crate::table::{Contents, Item};
use crate::wire::Wire;

/// When every world begins.
pub const START: i64 = 1_900_000_000;

/// Where a test keeps its data: in memory, or in a table of its own of the DynamoDB at
/// `MUSTER_ENGINE`.
pub fn a_place() -> Data {
    let Some(url) = std::env::var("MUSTER_ENGINE").ok().filter(|url| !url.is_empty()) else {
        return Data::InMemory;
    };
    let mut unique = [0; 8];
    Environment::system().entropy.fill(&mut unique);
    Data::At { url, table: format!("muster-{}", data_encoding::HEXLOWER.encode(&unique)) }
}

/// A clock that is set by hand.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness that can be drawn once more.
#[derive(Debug)]
pub struct Seeded(Mutex<StdRng>);

impl Seeded {
    /// Draws from now on what this seed gives.
    pub fn restart(&self, seed: u64) {
        *self.0.lock().unwrap() = StdRng::seed_from_u64(seed);
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(bytes);
    }
}

/// A world of its own for each test.
pub struct World {
    /// The engine.
    pub engine: Engine,
    /// The wire to it.
    pub wire: Wire,
    /// The time.
    pub clock: Arc<HandClock>,
    /// The randomness.
    pub entropy: Arc<Seeded>,
    /// The store over the wire.
    pub store: Store,
    /// The team that most tests are about.
    pub team: TeamId,
    /// Its owner.
    pub owner: Principal,
}

/// What comes of a use case once `busy` has been tried again.
pub type Final<T> = Result<T, Refusal>;

impl World {
    /// A world in which nothing goes wrong that nobody makes go wrong.
    pub async fn calm() -> Self {
        Self::new(1).await
    }

    /// A world in which one call in five goes wrong.
    pub async fn stormy(seed: u64) -> Self {
        let world = Self::new(seed).await;
        world.wire.set_faults(Some(Faults::new(seed, 20)));
        world
    }

    async fn new(seed: u64) -> Self {
        let engine = match a_place() {
            Data::At { url, table } => Engine::at(&url, &table).await.unwrap(),
            _ => Engine::in_memory().await.unwrap(),
        };
        let wire = Wire::new();
        let clock = Arc::new(HandClock(AtomicI64::new(START)));
        let entropy = Arc::new(Seeded(Mutex::new(StdRng::seed_from_u64(seed))));
        let environment = Environment {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&entropy) as Arc<dyn Entropy>,
            sign_in: Some(SignIn {
                issuer: "https://id.example.com".to_owned(),
                client_id: "muster".to_owned(),
            }),
        };
        // A call that a test holds back is not to be given up.
        let config = engine.client_over(wire.client()).config().to_builder();
        let config = config.timeout_config(TimeoutConfig::disabled());
        let store = Store::new(Client::from_conf(config.build()), engine.table(), environment);
        let owner: Principal = "owner@example.com".parse().unwrap();
        let name = "Example".parse().unwrap();
        let team = store.request().create_team(&owner, name).await.unwrap();
        Self { engine, wire, clock, entropy, store, team: team.id, owner }
    }

    /// A session as a request has it.
    pub fn session(&self) -> Arc<Session> {
        self.store.request()
    }

    /// What lies in the table.
    pub async fn contents(&self) -> Contents {
        Contents::read(&self.engine).await
    }

    /// Takes an item out of the table, not over the wire: deleted by other hands, or not visible yet.
    pub async fn take(&self, item: &Item) {
        let delete = self.engine.client().delete_item().table_name(self.engine.table());
        let delete = delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        delete.send().await.unwrap();
    }

    /// Puts an item into the table, not over the wire.
    pub async fn put(&self, item: Item) {
        let put = self.engine.client().put_item().table_name(self.engine.table());
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Adds a member.
    pub async fn join(&self, who: &str, role: Role) -> Principal {
        let principal: Principal = who.parse().unwrap();
        let add = async || {
            self.session().add_member(self.team, &self.owner, principal.clone(), role).await
        };
        match insist(add).await {
            // Under faults, the answer to the request before may have been lost.
            Ok(_) | Err(Refusal::AlreadyMember) => principal,
            Err(refusal) => panic!("not added: {refusal}"),
        }
    }

    /// Removes a member, by whatever stay they have now; answers with the membership that ended.
    pub async fn part(&self, who: &Principal) -> MembershipId {
        let find = async || self.session().list_members(self.team, &self.owner, None, 100).await;
        let members = insist(find).await.unwrap();
        let member = members.into_iter().find(|member| member.principal == *who).unwrap();
        let by_membership = MemberRef::Membership(member.membership);
        let remove =
            async || self.session().remove_member(self.team, &self.owner, &by_membership).await;
        insist(remove).await.unwrap().membership
    }

    /// A token of the owner's.
    pub async fn token(&self, max_uses: Option<u64>) -> Plaintext {
        self.token_by(&self.owner, max_uses).await.expect("a token").plaintext
    }

    /// A token of somebody's.
    pub async fn token_by(&self, who: &Principal, max_uses: Option<u64>) -> Final<Made> {
        let max_uses = max_uses.map(|max| MaxUses::try_from(max).unwrap());
        let policy = Policy { max_uses, ..Policy::default() };
        self.token_with(who, policy).await
    }

    /// A token with a policy.
    pub async fn token_with(&self, who: &Principal, policy: Policy) -> Final<Made> {
        let new = NewToken { name: "sample".parse().unwrap(), policy };
        insist(async || self.session().create_token(self.team, who, new.clone()).await).await
    }

    /// A self-enrolled token of somebody's.
    pub async fn self_enroll(&self, who: &Principal) -> Final<Plaintext> {
        let name: muster_shared::domain::text::Name = "laptop".parse().unwrap();
        let made =
            insist(async || self.session().self_enroll(self.team, who, name.clone()).await).await;
        made.map(|made| made.plaintext)
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &Plaintext) -> Final<()> {
        let id = token.token();
        insist(async || self.session().revoke_token(self.team, &self.owner, id).await)
            .await
            .map(drop)
    }

    /// Registers a machine, or a device if it has a key.
    pub async fn register(
        &self,
        token: &Plaintext,
        host: &str,
        key: Option<PublicKey>,
    ) -> Final<Registered> {
        self.report(token, Report::of(host.parse().unwrap()), key).await
    }

    /// Registers a machine with all that it says.
    pub async fn report(
        &self,
        token: &Plaintext,
        report: Report,
        key: Option<PublicKey>,
    ) -> Final<Registered> {
        let registration = Registration { plaintext: token.clone(), report, key };
        insist(async || self.session().register_node(&registration).await).await
    }

    /// Sweeps once after the removal of a membership.
    pub async fn sweep(&self, membership: MembershipId, who: &Principal) -> Result<Swept, Error> {
        let session = self.store.session(Duration::from_secs(30));
        session.sweep(self.team, membership, who, Patience::default()).await
    }

    /// The removal of a membership.
    pub async fn removal(&self, membership: MembershipId) -> Removal {
        let list = async || self.session().list_removals(self.team, &self.owner, None, 100).await;
        let removals = insist(list).await.unwrap();
        removals.into_iter().find(|removal| removal.membership == membership).unwrap()
    }

    /// Sweeps as the schedule does, while time passes, until the removal is done.
    pub async fn finish(&self, membership: MembershipId) -> Removal {
        for _ in 0..20 {
            let session = self.store.session(Duration::from_secs(30));
            let _ = session.sweep_unfinished(Patience::default()).await;
            let removal = self.removal(membership).await;
            if removal.completed_at.is_some() {
                return removal;
            }
            self.clock.advance(SETTLE);
        }
        panic!("the removal does not come to its end")
    }

    /// Checks what must hold of the table at any time.
    pub async fn check(&self) {
        self.contents().await.check();
    }
}

/// A device's key; `n` tells one from another.
pub fn key(n: u8) -> Option<PublicKey> {
    let text = data_encoding::BASE64URL_NOPAD.encode(&[n; 32]);
    Some(text.parse().unwrap())
}

/// Does it again while the answer is `busy`, as the documentation tells clients to.
///
/// # Panics
/// If the service says that something is wrong with it, or is busy for good.
pub async fn insist<T>(mut request: impl AsyncFnMut() -> Result<T, Error>) -> Final<T> {
    for _ in 0..5 {
        match request().await {
            Ok(done) => return Ok(done),
            Err(Error::Refused(refusal)) => return Err(refusal),
            Err(Error::Busy) => {}
            Err(Error::Internal(fault)) => panic!("internal: {fault}"),
        }
    }
    panic!("busy, over and over");
}
