//! The sample events of `tests/events/`: what API Gateway (payload format 2.0), the table's stream
//! and the schedule send, each through the function that it is for.
//!
//! Their ids and their plaintext are samples; a test puts those of its own world in their places.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use muster_shared::domain::heartbeat::APART;
use muster_shared::domain::id::{MembershipId, TokenId};
use muster_shared::domain::key::PublicKey;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::report::Report;
use muster_shared::domain::role::Role;
use muster_shared::domain::text::{Tag, Tags};
use muster_shared::domain::token::Policy;
use muster_shared::http::Auth;
use muster_shared::store::{MemberRef, NewToken, Patience};
use muster_tests::world::World;
use serde_json::{Value, json};

use crate::support::invoke::{Done, answer, endpoint};

const TEAM: &str = "team_7zqk3m5xw4j6a";
const TOKEN: &str = "tok_n3vd5kq2mwx7e";
const MEMBERSHIP: &str = "mem_b6rt2hjx5yn4c";
const PLAINTEXT: &str = include_str!("../../domain/src/plaintext.sample");

/// Each event, the status of its answer, and what stands in the answer at a JSON pointer.
fn expected() -> Vec<(&'static str, u16, &'static str, Value)> {
    let register =
        "curl -sS https://r3pmxmplak.execute-api.eu-central-1.amazonaws.com/api/register-node";
    vec![
        ("create-team", 201, "/name", json!("Platform – Köln")),
        ("create-team.client", 201, "/role", json!("owner")),
        ("list-teams", 200, "/teams/0/name", json!("Example")),
        ("list-members", 200, "/members/0/principal", json!("bob@example.com")),
        ("add-member", 201, "/principal", json!("carol@example.com")),
        ("set-role", 200, "/role", json!("member")),
        ("remove-member", 202, "/principal", json!("bob@example.com")),
        ("list-removals", 200, "/removals", json!([])),
        ("create-token", 201, "/join_command", json!(register)),
        ("create-token.base64", 201, "/expires_at", json!("2030-12-31T23:00:00Z")),
        ("list-tokens", 200, "/tokens/0/name", json!("Ansible Playbook")),
        ("list-tokens.twice", 400, "/errors/0/detail", json!("must be given once each")),
        ("get-token", 200, "/use_count", json!(1)),
        ("revoke-token", 200, "/status", json!("revoked")),
        ("self-enroll", 201, "/origin", json!("self-enroll")),
        ("register-node", 200, "/meta/kernel", json!("6.1.0-18-amd64")),
        ("register-node.base64", 201, "/name", json!("Bücher 1")),
        ("list-nodes", 200, "/nodes/0/hostname", json!("web-1.example.com")),
        ("remove-node", 204, "", Value::Null),
        ("describe-sign-in", 200, "/client_id", json!("muster")),
        ("list-groups", 200, "/groups/0/nodes", json!(2)),
        ("record-heartbeat", 200, "/addresses/0", json!("192.0.2.31")),
        ("get-own-node", 200, "/status", json!("online")),
        ("leave-team", 204, "", Value::Null),
    ]
}

/// A world in which each of the events means something.
struct Scene {
    world: World,
    bob: Principal,
    token: TokenId,
    membership: MembershipId,
    plaintext: String,
}

impl Scene {
    async fn set() -> Self {
        let world = World::calm().await;
        let bob = world.join("bob@example.com", Role::Admin).await;
        let client: Principal = "client:2xmpl8k1c0p4d6s9t3w5y7b2e0".parse().unwrap();
        let (s, team, owner) = (world.session(), world.team, world.owner.clone());
        s.add_member(team, &owner, client, Role::Admin).await.unwrap();
        let members = s.list_members(team, &owner, None, 9).await.unwrap();
        let membership = members.iter().find(|member| member.principal == bob).unwrap().membership;
        let new = NewToken { name: "Ansible Playbook".parse().unwrap(), policy: Policy::default() };
        let made = s.create_token(team, &owner, new).await.unwrap();
        let mut report = Report::of("web-1.example.com".parse().unwrap());
        let tag: Tag = "eu west".parse().unwrap();
        report.tags = Some(Tags::try_from(vec![tag]).unwrap());
        world.report(&made.plaintext, report, None).await.unwrap();
        // The key of RFC 8037, appendix A, with which the events' proofs are signed.
        let key: PublicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".parse().unwrap();
        world.register(&world.token(None).await, "laptop-1", Some(key)).await.unwrap();
        world.clock.advance(APART);
        let plaintext = made.plaintext.expose().to_string();
        Self { world, bob, token: made.token.id, membership, plaintext }
    }

    /// A sample event, about the things of this world.
    fn event(&self, name: &str) -> Value {
        let path = directory().join(format!("{name}.json"));
        let event = std::fs::read_to_string(path).unwrap();
        let event = event.replace(TEAM, &self.world.team.to_string());
        let event = event.replace(TOKEN, &self.token.to_string());
        let event = event.replace(MEMBERSHIP, &self.membership.to_string());
        serde_json::from_str(&event.replace(PLAINTEXT.trim(), &self.plaintext)).unwrap()
    }

    async fn run(&self, name: &str) -> Done {
        answer(&self.world, endpoint(function(name)), &self.event(name)).await
    }
}

fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

/// The function that an event is for.
fn function(name: &str) -> &str {
    name.split('.').next().unwrap()
}

#[test]
fn every_function_has_an_event_and_every_event_is_tried() {
    let files: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|file| file.strip_suffix(".json").unwrap().to_owned())
        .collect();
    let mut tried: BTreeSet<String> =
        expected().into_iter().map(|(name, ..)| name.to_owned()).collect();
    tried.extend(["member-cascade", "member-cascade.schedule"].map(str::to_owned));
    assert_eq!(files, tried);
    for endpoint in muster_local::endpoints() {
        assert!(files.contains(endpoint.name), "{} has no event", endpoint.name);
    }
}

#[tokio::test]
async fn every_event_is_of_its_function_s_route() {
    let scene = Scene::set().await;
    for (name, ..) in expected() {
        let (event, endpoint) = (scene.event(name), endpoint(function(name)));
        let route = format!("{} {}", endpoint.method, endpoint.path);
        assert_eq!(event["routeKey"], route, "{name}");
        assert_eq!(event["requestContext"]["routeKey"], route, "{name}");
        let has_claims = event["requestContext"]["authorizer"]["jwt"]["claims"].is_object();
        assert_eq!(has_claims, endpoint.auth == Auth::Jwt, "{name}");
    }
}

#[tokio::test]
async fn every_event_of_api_gateway_is_answered() {
    for (name, status, pointer, value) in expected() {
        let done = Scene::set().await.run(name).await;
        assert_eq!(done.status, status, "{name}: {}", done.body);
        let found = done.body.pointer(pointer).unwrap_or_else(|| panic!("{name}: {}", done.body));
        match (found, &value) {
            // A command begins with it.
            (Value::String(found), Value::String(begins)) if pointer == "/join_command" => {
                assert!(found.starts_with(begins), "{found}");
            }
            _ => assert_eq!(*found, value, "{name}"),
        }
        if status >= 400 {
            assert_eq!(done.body["request_id"], "JKJaXmPLliAEJQw=");
        }
    }
}

#[tokio::test]
async fn the_stream_and_the_schedule_follow_a_removal() {
    let scene = Scene::set().await;
    let Scene { world, bob, membership, .. } = &scene;
    let token = world.token_by(bob, Some(5)).await.unwrap();
    world.register(&token.plaintext, "bobs", None).await.unwrap();
    let stream = scene.event("member-cascade");
    let image = stream["Records"][0]["dynamodb"]["OldImage"].as_object().unwrap();
    let contents = world.contents().await;
    let item: BTreeSet<_> = contents.of("MEMBER#bob").next().unwrap().keys().collect();
    assert_eq!(image.keys().collect::<BTreeSet<_>>(), item, "the event has what the table has");
    let by = MemberRef::Membership(*membership);
    world.session().remove_member(world.team, &world.owner, &by).await.unwrap();

    let session = world.store.session(Duration::from_secs(30));
    let done = member_cascade::handle(&session, stream, Patience::default()).await.unwrap();
    assert_eq!(done, json!({"batchItemFailures": []}));
    let removal = world.removal(*membership).await;
    assert_eq!((removal.tokens_revoked, removal.nodes_removed), (1, 1));
    let schedule = scene.event("member-cascade.schedule");
    let left = member_cascade::handle(&session, schedule, Patience::default()).await.unwrap();
    assert_eq!(left, json!({"left": 1}));
}

#[tokio::test]
async fn an_access_token_of_a_person_is_told_to_send_the_id_token() {
    let scene = Scene::set().await;
    let mut event = scene.event("list-nodes");
    let claims = &mut event["requestContext"]["authorizer"]["jwt"]["claims"];
    *claims = json!({
        "sub": "d3c4e8f2-70a1-70d5-1c2e-0a5bxmple771", "client_id": "6xmpl5e2f0s1k8r3n7q4v9d0a2",
        "token_use": "access", "scope": "openid email", "username": "bob",
    });
    let done = answer(&scene.world, endpoint("list-nodes"), &event).await;
    assert_eq!((done.status, &done.body["code"]), (403, &json!("forbidden")));
    assert!(done.body["detail"].as_str().unwrap().contains("Send the ID token"), "{}", done.body);
    assert!(done.sent.is_empty(), "nobody is looked up");

    event["requestContext"]["authorizer"] = Value::Null;
    let done = answer(&scene.world, endpoint("list-nodes"), &event).await;
    assert_eq!((done.status, &done.body["code"]), (401, &json!("unauthenticated")));
}
