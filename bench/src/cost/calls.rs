//! Every call there is, and the ways in which it costs differently.

use axum::body::Bytes;
use muster_local::endpoints;
use muster_local::engine::Engine;
use muster_shared::domain::role::Role;
use muster_shared::http::Endpoint;
use serde_json::{Value, json};

use super::event::{self, Device, damaged};
use super::team::Team;
use crate::Error;

/// The function that is called by events alone.
pub const CASCADE: &str = "member-cascade";
/// How often each call is measured.
const RUNS: usize = 20;
/// What a list has in it.
const LISTED: usize = 50;
/// Nodes that a removed member has let in, in a small removal and in a large one.
pub const NODES: [usize; 2] = [10, 60];
/// How often a removal is measured.
const REMOVALS: usize = 3;

/// A call, to be measured.
#[derive(Debug)]
pub struct Call {
    /// What it is called in the table of figures.
    pub name: String,
    /// The function.
    pub function: &'static str,
    /// The answer's status.
    pub status: u16,
    /// The events: the first is to warm the function up.
    pub events: Vec<Bytes>,
}

impl Call {
    /// The endpoint, if it is called over HTTP.
    pub fn endpoint(&self) -> Option<&'static Endpoint> {
        endpoints().iter().find(|endpoint| endpoint.name == self.function)
    }
}

/// A function of the API by its name.
fn endpoint(name: &str) -> Result<&'static Endpoint, Error> {
    let found = endpoints().iter().find(|endpoint| endpoint.name == name);
    found.ok_or_else(|| Error::scene(format!("no endpoint is called {name}")))
}

/// Puts calls together over an engine.
struct Maker<'a> {
    engine: &'a Engine,
    calls: Vec<Call>,
}

impl Maker<'_> {
    async fn team(&self) -> Result<Team, Error> {
        Team::new(self.engine).await
    }

    /// A call that each of `each` is made for.
    fn each(
        &mut self,
        name: &str,
        function: &'static str,
        status: u16,
        team: &Team,
        each: impl IntoIterator<Item = event::Call<'static>>,
    ) -> Result<(), Error> {
        let endpoint = endpoint(function)?;
        let events = each.into_iter().map(|call| call.event(endpoint, team));
        let events = events.collect::<Result<_, _>>()?;
        self.calls.push(Call { name: name.to_owned(), function, status, events });
        Ok(())
    }

    /// A call that is the same each time.
    fn same(
        &mut self,
        name: &str,
        function: &'static str,
        status: u16,
        team: &Team,
        call: impl Fn() -> event::Call<'static>,
    ) -> Result<(), Error> {
        self.each(name, function, status, team, (0..=RUNS).map(|_| call()))
    }

    fn register(
        &mut self,
        name: &str,
        status: u16,
        event: impl Fn(usize) -> Result<Bytes, Error>,
    ) -> Result<(), Error> {
        let events = (0..=RUNS).map(event).collect::<Result<_, _>>()?;
        let function = "register-node";
        self.calls.push(Call { name: name.to_owned(), function, status, events });
        Ok(())
    }
}

fn at(name: &'static str, value: impl Into<String>) -> event::Call<'static> {
    event::Call { at: Some((name, value.into())), ..event::Call::default() }
}

fn with(body: Value) -> event::Call<'static> {
    event::Call { body: Some(body), ..event::Call::default() }
}

fn host(n: usize) -> String {
    format!("web-{n}.example.com")
}

/// All calls, in the order in which they are shown.
pub async fn calls(engine: &Engine) -> Result<Vec<Call>, Error> {
    let mut maker = Maker { engine, calls: Vec::new() };
    registrations(&mut maker).await?;
    tokens(&mut maker).await?;
    nodes(&mut maker).await?;
    teams(&mut maker).await?;
    devices(&mut maker).await?;
    cascade(&mut maker).await?;
    Ok(maker.calls)
}

/// The names of the calls that have a target.
pub const ENROLLMENT: &str = "register-node: a new node";
/// What a device sends from time to time.
pub const HEARTBEAT: &str = "record-heartbeat";
/// A repeat that changes nothing.
pub const REPEAT: &str = "register-node: an unchanged repeat";

async fn registrations(maker: &mut Maker<'_>) -> Result<(), Error> {
    let team = maker.team().await?;
    let [one, wide, revoked] =
        [team.token(Some(100)).await?, team.token(None).await?, team.token(Some(1)).await?];
    let secret = one.plaintext.expose();
    let nothing = json!({});
    let new = |n| event::registration(&secret, &host(n), &nothing, None);
    maker.register(ENROLLMENT, 201, new)?;
    let secret_of_wide = wide.plaintext.expose();
    let through_wide =
        |n| event::registration(&secret_of_wide, &format!("app-{n}"), &nothing, None);
    maker.register("register-node: a new node, 80 gates", 201, through_wide)?;
    let device = Device::new()?;
    let new_device =
        |n| event::registration(&secret_of_wide, &format!("laptop-{n}"), &nothing, Some(&device));
    maker.register("register-node: a new device", 201, new_device)?;
    maker.register(REPEAT, 200, |_| new(0))?;
    let changed =
        |n: usize| event::registration(&secret, &host(0), &json!({"os": n.to_string()}), None);
    maker.register("register-node: a changed repeat", 200, changed)?;
    let another = |n| event::registration(&secret_of_wide, &host(n), &nothing, None);
    maker.register("register-node: through another token", 200, another)?;
    team.revoke(&revoked).await?;
    let secret = revoked.plaintext.expose();
    let refused = |n| event::registration(&secret, &format!("late-{n}"), &nothing, None);
    maker.register("register-node: refused (revoked)", 403, refused)?;
    let secret = damaged(&one.plaintext);
    let malformed = |n| event::registration(&secret, &host(n), &nothing, None);
    maker.register("register-node: refused (malformed)", 401, malformed)
}

async fn tokens(maker: &mut Maker<'_>) -> Result<(), Error> {
    let team = maker.team().await?;
    let narrow = || with(json!({"name": "Ansible Playbook", "max_uses": 50}));
    maker.same("create-token: 1 gate", "create-token", 201, &team, narrow)?;
    let wide = || with(json!({"name": "Ansible Playbook"}));
    maker.same("create-token: 80 gates", "create-token", 201, &team, wide)?;
    for (max_uses, gates) in [(Some(50), "1 gate"), (None, "80 gates")] {
        let team = maker.team().await?;
        let mut made = Vec::new();
        for _ in 0..LISTED {
            made.push(team.token(max_uses).await?.token.id.to_string());
        }
        let list = event::Call::default;
        let name = format!("list-tokens: {LISTED} of {gates}");
        maker.same(&name, "list-tokens", 200, &team, list)?;
        let first = made.first().cloned().unwrap_or_default();
        let name = format!("get-token: {gates}");
        maker.same(&name, "get-token", 200, &team, || at("token_id", first.clone()))?;
        let revoke = made.into_iter().take(RUNS + 1).map(|id| at("token_id", id));
        let revoke: Vec<_> = revoke.collect();
        maker.each(&format!("revoke-token: {gates}"), "revoke-token", 200, &team, revoke)?;
    }
    let team = maker.team().await?;
    maker.same("self-enroll", "self-enroll", 201, &team, || with(json!({"name": "laptop"})))
}

async fn nodes(maker: &mut Maker<'_>) -> Result<(), Error> {
    let team = maker.team().await?;
    let token = team.token(None).await?;
    for n in 0..LISTED {
        team.node(&token, &host(n)).await?;
    }
    let name = format!("list-nodes: {LISTED}");
    maker.same(&name, "list-nodes", 200, &team, event::Call::default)?;
    let all: Vec<_> = (0..=RUNS).map(|n| at("hostname", host(n))).collect();
    maker.each("remove-node", "remove-node", 204, &team, all)
}

async fn devices(maker: &mut Maker<'_>) -> Result<(), Error> {
    let team = maker.team().await?;
    let (token, device) = (team.token(None).await?, Device::new()?);
    let laptop = |n: usize| format!("laptop-{n}");
    for n in 0..=RUNS {
        team.device(&token, &laptop(n), &device).await?;
    }
    // A second heartbeat at once counts no more than the first.
    for (name, function, status) in [
        (HEARTBEAT, "record-heartbeat", 200),
        ("record-heartbeat: too soon", "record-heartbeat", 200),
        ("get-own-node", "get-own-node", 200),
        ("leave-team", "leave-team", 204),
    ] {
        let speak = |n| event::spoken(endpoint(function)?, &team, &laptop(n), &device);
        let events = (0..=RUNS).map(speak).collect::<Result<_, Error>>()?;
        maker.calls.push(Call { name: name.to_owned(), function, status, events });
    }
    let list = format!("list-groups: of {} nodes", RUNS + 1);
    let team = maker.team().await?;
    let token = team.token(None).await?;
    for n in 0..=RUNS {
        team.node(&token, &host(n)).await?;
    }
    maker.same(&list, "list-groups", 200, &team, event::Call::default)?;
    maker.same("describe-sign-in", "describe-sign-in", 200, &team, event::Call::default)
}

async fn teams(maker: &mut Maker<'_>) -> Result<(), Error> {
    let team = maker.team().await?;
    let by_alice = |body: Option<Value>| event::Call {
        who: Some("alice@example.com"),
        body,
        ..event::Call::default()
    };
    team.member("alice@example.com", Role::Member).await?;
    maker.same("list-teams: 1", "list-teams", 200, &team, || by_alice(None))?;
    let create = || by_alice(Some(json!({"name": "Example"})));
    maker.same("create-team", "create-team", 201, &team, create)?;
    maker.same("list-members: 2", "list-members", 200, &team, event::Call::default)?;
    let someone = |n: usize| format!("member-{n}@example.com");
    let add = (0..=RUNS).map(|n| with(json!({"email": someone(n), "role": "member"})));
    let add: Vec<_> = add.collect();
    maker.each("add-member", "add-member", 201, &team, add)?;
    let role = |n: usize| if n.is_multiple_of(2) { "admin" } else { "member" };
    let set = (0..=RUNS).map(|n| event::Call {
        body: Some(json!({ "role": role(n) })),
        ..at("member", "alice@example.com")
    });
    let set: Vec<_> = set.collect();
    maker.each("set-role", "set-role", 200, &team, set)?;
    let remove: Vec<_> = (0..=RUNS).map(|n| at("member", someone(n))).collect();
    maker.each("remove-member", "remove-member", 202, &team, remove)?;
    let name = format!("list-removals: {}", RUNS + 1);
    maker.same(&name, "list-removals", 200, &team, event::Call::default)
}

async fn cascade(maker: &mut Maker<'_>) -> Result<(), Error> {
    for nodes in NODES {
        let mut events = Vec::new();
        for n in 0..=REMOVALS {
            let team = maker.team().await?;
            let who = format!("admin-{n}@example.com");
            let membership = team.removed(&who, nodes).await?;
            events.push(event::removal(&team, &who, &membership.to_string())?);
        }
        let name = format!("member-cascade: {nodes} nodes");
        maker.calls.push(Call { name, function: CASCADE, status: 200, events });
    }
    Ok(())
}

/// A round of the schedule in which there is nothing to do.
pub fn idle_round() -> Call {
    let events = (0..=RUNS).map(|_| event::round()).collect();
    Call { name: "a round with nothing to do".to_owned(), function: CASCADE, status: 200, events }
}
