//! Every function run through all that it does with the table, on a wire that records it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_shared::domain::heartbeat::{APART, Heartbeat};
use muster_shared::domain::id::MembershipId;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::removal::{SETTLE, WATCH};
use muster_shared::domain::role::Role;
use muster_shared::store::{Device, Patience, WarmUp};
use muster_tests::wire::Sent;
use muster_tests::world::{World, key};
use serde_json::{Value, json};

use crate::support::invoke::Invocation;

/// The function that no request calls.
const CASCADE: &str = "member-cascade";

/// What each function has sent to DynamoDB.
#[derive(Default)]
pub(super) struct Record(pub(super) BTreeMap<String, Vec<Sent>>);

impl Record {
    fn note(&mut self, function: &str, sent: Vec<Sent>) {
        self.0.entry(function.to_owned()).or_default().extend(sent);
    }
}

/// A world, and the record of what is done to it.
struct Exercise {
    world: World,
    record: Record,
}

impl Exercise {
    /// Calls a function; it must answer with this status.
    async fn call(
        &mut self,
        name: &str,
        status: u16,
        with: impl FnOnce(Invocation) -> Invocation,
    ) -> Value {
        let done = with(Invocation::of(name, &self.world)).run(&self.world).await;
        assert_eq!(done.status, status, "{name}: {}", done.body);
        self.record.note(name, done.sent);
        done.body
    }

    async fn cascade(&mut self, event: Value) -> Value {
        self.world.wire.journal();
        let session = self.world.store.session(Duration::from_secs(30));
        let done = member_cascade::handle(&session, event, Patience::default()).await.unwrap();
        let sent = self.world.wire.journal();
        self.record.note(CASCADE, sent);
        done
    }

    async fn membership(&self, who: &Principal) -> MembershipId {
        let s = self.world.session();
        let members = s.list_members(self.world.team, &self.world.owner, None, 100).await.unwrap();
        members.iter().find(|member| member.principal == *who).unwrap().membership
    }

    /// Adds a member; answers with the item that lies in the table.
    async fn join(&self, who: &str, role: Role) -> Value {
        self.world.wire.journal();
        let principal = self.world.join(who, role).await;
        let sort = format!("MEMBER#{principal}");
        let sent = self.world.wire.journal();
        let actions =
            sent.iter().filter_map(|sent| sent.body["TransactItems"].as_array()).flatten();
        let mut items = actions.map(|action| &action["Put"]["Item"]);
        items.find(|item| item["sk"]["S"] == sort).unwrap().clone()
    }
}

/// The stream's record that an item is gone.
fn removed(item: &Value) -> Value {
    let keys = json!({"pk": item["pk"], "sk": item["sk"]});
    let change = json!({"Keys": keys, "OldImage": item, "SequenceNumber": "1"});
    json!({"Records": [{"eventName": "REMOVE", "dynamodb": change}]})
}

/// Everything that every function does.
pub(super) async fn everything() -> Record {
    let mut exercise = Exercise { world: World::calm().await, record: Record::default() };
    warm_ups(&mut exercise).await;
    teams(&mut exercise).await;
    tokens(&mut exercise).await;
    nodes(&mut exercise).await;
    removals(&mut exercise).await;
    exercise.record
}

async fn warm_ups(exercise: &mut Exercise) {
    let endpoints = muster_local::endpoints().iter();
    let mut warm_ups: Vec<_> =
        endpoints.map(|endpoint| (endpoint.name, endpoint.warm_up)).collect();
    warm_ups.push((CASCADE, WarmUp::Removals));
    for (function, warm_up) in warm_ups {
        exercise.world.wire.journal();
        exercise.world.session().warm_up(warm_up).await;
        let sent = exercise.world.wire.journal();
        assert_eq!(sent.is_empty(), warm_up == WarmUp::None, "{function}");
        exercise.record.note(function, sent);
    }
}

async fn teams(exercise: &mut Exercise) {
    exercise.call("create-team", 201, |call| call.body(&json!({"name": "Other"}))).await;
    exercise.call("list-teams", 200, |call| call.query("limit=1")).await;
    for (email, role) in [("bob@example.com", "member"), ("carol@example.com", "owner")] {
        let body = json!({"email": email, "role": role});
        exercise.call("add-member", 201, |call| call.body(&body)).await;
    }
    exercise.call("list-members", 200, |call| call.query("limit=1")).await;
    let bob: Principal = "bob@example.com".parse().unwrap();
    let membership = exercise.membership(&bob).await.to_string();
    for (member, role) in
        [(bob.as_str(), "admin"), (&membership, "owner"), (bob.as_str(), "member")]
    {
        let body = json!({"role": role});
        exercise.call("set-role", 200, |call| call.at("member", member).body(&body)).await;
    }
    exercise.call("remove-member", 202, |call| call.at("member", &membership)).await;
    exercise.call("remove-member", 202, |call| call.at("member", &membership)).await;
    exercise.call("remove-member", 202, |call| call.at("member", "carol@example.com")).await;
    exercise.call("list-removals", 200, |call| call.query("limit=1")).await;
}

async fn tokens(exercise: &mut Exercise) {
    for max_uses in [json!(5), json!(500), Value::Null] {
        let body = json!({"name": "x", "max_uses": max_uses});
        let made = exercise.call("create-token", 201, |call| call.body(&body)).await;
        let id = made["id"].as_str().unwrap();
        exercise.call("get-token", 200, |call| call.at("token_id", id)).await;
        exercise.call("list-tokens", 200, |call| call).await;
        for _ in 0..2 {
            exercise.call("revoke-token", 200, |call| call.at("token_id", id)).await;
        }
    }
    exercise.call("self-enroll", 201, |call| call.body(&json!({}))).await;
}

async fn nodes(exercise: &mut Exercise) {
    for max_uses in [Some(5), None] {
        let token = exercise.world.token(max_uses).await;
        let body =
            |os: &str| json!({"token": token.expose().as_str(), "hostname": "web-1", "os": os});
        let hostname = |call: Invocation| call.at("hostname", "web-1");
        for (os, status) in [("one", 201), ("one", 200), ("two", 200)] {
            exercise.call("register-node", status, |call| call.body(&body(os))).await;
        }
        exercise.call("list-groups", 200, |call| call).await;
        exercise.call("describe-sign-in", 200, |call| call).await;
        exercise.call("list-nodes", 200, |call| call).await;
        exercise.call("list-nodes", 200, |call| call.query("kind=server&limit=1")).await;
        exercise.call("remove-node", 204, hostname).await;

        // A device, through the store: what it writes is what the function does.
        exercise.world.wire.journal();
        exercise.world.register(&token, "web-1", key(1)).await.unwrap();
        let sent = exercise.world.wire.journal();
        exercise.record.note("register-node", sent);
        speak(exercise, "web-1").await;
        exercise.world.register(&token, "web-1", key(1)).await.unwrap();
        exercise.call("remove-node", 204, hostname).await;
    }
    // The last use of a wide token is gone: it is marked.
    let token = exercise.world.token(Some(129)).await;
    for number in 0..129 {
        exercise.world.register(&token, &format!("host-{number}"), None).await.unwrap();
    }
    let body = json!({"token": token.expose().as_str(), "hostname": "late"});
    exercise.call("register-node", 403, |call| call.body(&body)).await;
}

/// All that a device does with its own node, through the store for want of its private key.
async fn speak(exercise: &mut Exercise, hostname: &str) {
    let team = exercise.world.team;
    let device = Device { team, hostname: hostname.parse().unwrap(), key: key(1).unwrap() };
    let mut note = |function: &str, world: &World| {
        exercise.record.note(function, world.wire.journal());
    };
    let world = &exercise.world;
    world.wire.journal();
    for _ in 0..2 {
        world.session().record_heartbeat(&device, &Heartbeat::default()).await.unwrap();
        world.clock.advance(APART);
    }
    note("record-heartbeat", world);
    world.session().own_node(&device).await.unwrap();
    note("get-own-node", world);
    world.session().leave_team(&device).await.unwrap();
    note("leave-team", world);
}

async fn removals(exercise: &mut Exercise) {
    let handled = json!({"batchItemFailures": []});
    let item = exercise.join("bob@example.com", Role::Admin).await;
    let bob: Principal = "bob@example.com".parse().unwrap();
    for (max_uses, host, key) in
        [(Some(5), "one", None), (None, "two", None), (None, "three", key(7))]
    {
        let token = exercise.world.token_by(&bob, max_uses).await.unwrap().plaintext;
        exercise.world.register(&token, host, key).await.unwrap();
    }
    exercise.call("remove-member", 202, |call| call.at("member", bob.as_str())).await;
    // A node is not as it was listed, so it is looked at again.
    let removes = |sent: &Sent| sent.operation == "TransactWriteItems" && sent.mentions("NODE#");
    exercise.world.wire.cancel(&["ConditionalCheckFailed"], removes);
    assert_eq!(exercise.cascade(removed(&item)).await, handled);
    let tick = || json!({"sweep": "unfinished-removals"});
    while exercise.cascade(tick()).await != json!({"left": 0}) {
        exercise.world.clock.advance(SETTLE.max(WATCH));
    }
    // A member who was deleted by other hands than the API's has no removal yet.
    let item = exercise.join("dave@example.com", Role::Member).await;
    let key = |name: &str| AttributeValue::S(item[name]["S"].as_str().unwrap().to_owned());
    let engine = &exercise.world.engine;
    let delete = engine
        .client()
        .delete_item()
        .table_name(engine.table())
        .key("pk", key("pk"))
        .key("sk", key("sk"));
    delete.send().await.unwrap();
    assert_eq!(exercise.cascade(removed(&item)).await, handled);
}
