//! Every problem that a call is said to answer with, and no other: each is brought about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use muster_local::endpoints;
use muster_shared::domain::role::Role;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::{AllowedKinds, Policy};
use muster_shared::environment::Environment;
use muster_shared::http::Auth;
use muster_shared::store::Store;
use muster_tests::world::{START, World, key};
use serde_json::{Value, json};

use crate::support::contract::contract;
use crate::support::device::Device;
use crate::support::invoke::Invocation;

/// What devices call about themselves.
const OF_DEVICES: [&str; 3] = ["record-heartbeat", "get-own-node", "leave-team"];
const BOB: &str = "bob@example.com";

/// The codes of each call.
type Codes = BTreeMap<String, BTreeSet<String>>;

/// A world with a member, a node and a token, and what was refused in it.
struct Scene {
    world: World,
    device: Device,
    token: String,
    token_id: String,
    seen: Codes,
}

impl Scene {
    async fn set() -> Self {
        let world = World::calm().await;
        world.join(BOB, Role::Member).await;
        let token = world.token(None).await;
        world.register(&token, "web-1", key(1)).await.unwrap();
        let device = Device::new();
        world.register(&token, "laptop", Some(device.key())).await.unwrap();
        let token_id = token.token().to_string();
        Self { world, device, token: token.expose().to_string(), token_id, seen: Codes::new() }
    }

    /// A call that would go through.
    fn good(&self, name: &str) -> Invocation {
        let body = match name {
            "add-member" => json!({"email": "new@example.com", "role": "member"}),
            "set-role" => json!({"role": "admin"}),
            "register-node" => json!({"token": self.token, "hostname": "web-2"}),
            "record-heartbeat" => json!({}),
            _ => json!({"name": "x"}),
        };
        let call = Invocation::of(name, &self.world).body(&body);
        if OF_DEVICES.contains(&name) {
            return call.by_device(&self.device, &self.world, "laptop");
        }
        call.at("member", BOB).at("token_id", &self.token_id).at("hostname", "web-1")
    }

    /// Makes a call and notes what it is refused for, if it is.
    async fn note(&mut self, name: &str, call: Invocation) {
        let done = call.run(&self.world).await;
        let seen = self.seen.entry(name.to_owned()).or_default();
        if let Some(code) = done.body["code"].as_str() {
            seen.insert(code.to_owned());
        }
    }

    /// A registration that must be refused, with a token of this policy.
    async fn refused(&mut self, policy: Policy, body: &Value) {
        let owner = self.world.owner.clone();
        let made = self.world.token_with(&owner, policy).await.unwrap();
        let mut body = body.clone();
        body["token"] = made.plaintext.expose().as_str().into();
        let call = self.good("register-node").body(&body);
        self.note("register-node", call).await;
    }
}

/// What can go wrong with any call, whatever it does.
async fn anything(name: &'static str) -> Codes {
    let mut scene = Scene::set().await;
    let long = json!({"name": "x".repeat(70_000)});
    let calls = [
        scene.good(name).by(None),
        scene.good(name).by(Some("nobody")),
        scene.good(name).by(Some("mallory@example.com")),
        scene.good(name).by(Some(BOB)),
        scene.good(name).query("limit=0").body(&json!([])),
        scene.good(name).body(&long),
    ];
    for call in calls {
        scene.note(name, call).await;
    }
    // Nothing is where the function looks for it.
    let (client, environment) = (scene.world.engine.client(), scene.world.store.environment());
    let environment = Environment { sign_in: None, ..environment.clone() };
    scene.world.store = Store::new(client, "another-table", environment);
    let call = scene.good(name);
    scene.note(name, call).await;
    scene.seen
}

/// What only some calls refuse.
async fn particulars() -> Codes {
    let mut scene = Scene::set().await;
    let owner = scene.world.owner.to_string();
    let call = scene.good("add-member").body(&json!({"email": BOB, "role": "member"}));
    scene.note("add-member", call).await;
    let call = scene.good("set-role").at("member", &owner);
    scene.note("set-role", call).await;
    let call = scene.good("remove-member").at("member", &owner);
    scene.note("remove-member", call).await;

    for name in OF_DEVICES {
        let strange = scene.good(name).by_device(&scene.device, &scene.world, "web-1");
        for call in
            [scene.good(name).without("dpop"), scene.good(name).header("dpop", "a.b.c"), strange]
        {
            scene.note(name, call).await;
        }
    }
    let report = json!({"hostname": "web-3"});
    let name = "register-node";
    let call = scene.good(name).body(&report);
    scene.note(name, call).await;
    let call = scene.good(name).body(&json!({"token": "enrt_", "hostname": "web-3"}));
    scene.note(name, call).await;
    let call = scene.good(name).header("dpop", "a.b.c");
    scene.note(name, call).await;
    let call = scene.good(name).body(&json!({"token": scene.token, "hostname": "web-1"}));
    scene.note(name, call).await;
    let bob = BOB.parse().unwrap();
    let own = scene.world.self_enroll(&bob).await.unwrap();
    let call = scene.good(name).body(&json!({"token": own.expose().as_str(), "hostname": "web-3"}));
    scene.note(name, call).await;

    let pods = AllowedKinds::try_from(vec!["pod".parse().unwrap()]).unwrap();
    scene.refused(Policy { allowed_kinds: Some(pods), ..Policy::default() }, &report).await;
    let expires_at = Some(Timestamp::from_unix(START - 1));
    scene.refused(Policy { expires_at, ..Policy::default() }, &report).await;
    let spent = scene.world.token(Some(1)).await;
    scene.world.register(&spent, "web-4", None).await.unwrap();
    let body = json!({"token": spent.expose().as_str(), "hostname": "web-3"});
    let call = scene.good(name).body(&body);
    scene.note(name, call).await;
    scene.world.revoke(&spent).await.unwrap();
    let call = scene.good(name).body(&body);
    scene.note(name, call).await;
    scene.seen
}

/// What every call answers while nothing gets through to the table.
async fn nothing_gets_through() -> Codes {
    let scene = Scene::set().await;
    scene.world.wire.cut_after(0);
    let asks = endpoints().iter().filter(|endpoint| endpoint.auth != Auth::Anyone);
    let calls = asks.map(async |endpoint| {
        // The one that writes without reading cuts the wire for all.
        if endpoint.name != "create-team" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let done = scene.good(endpoint.name).run(&scene.world).await;
        let code = done.body["code"].as_str().unwrap_or("nothing").to_owned();
        (endpoint.name.to_owned(), BTreeSet::from([code]))
    });
    join_all(calls).await.into_iter().collect()
}

#[tokio::test]
async fn each_call_answers_with_the_problems_that_it_is_documented_with_and_no_other() {
    let mut seen = Codes::new();
    let mut found = vec![particulars().await, nothing_gets_through().await];
    found.extend(join_all(endpoints().iter().map(|endpoint| anything(endpoint.name))).await);
    for (name, codes) in found.into_iter().flatten() {
        seen.entry(name).or_default().extend(codes);
    }
    let documented = contract().operations().into_iter();
    let documented: Codes =
        documented.map(|operation| (operation.id.clone(), contract().codes(&operation))).collect();
    assert_eq!(seen, documented);
}
