//! What only time brings, with a clock that is set by hand.

use std::time::Duration;

use muster_shared::domain::role::Role;
use muster_tests::world::{World, key};
use serde_json::{Value, json};

use crate::support::invoke::Invocation;

async fn nodes(world: &World, query: &str) -> Vec<Value> {
    let listed = Invocation::of("list-nodes", world).query(query).run(world).await;
    assert_eq!(listed.status, 200);
    listed.body["nodes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_device_is_online_for_15_minutes_after_it_was_seen() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "laptop", key(1)).await.unwrap();
    world.register(&token, "web-1", None).await.unwrap();
    world.clock.advance(Duration::from_mins(15));
    assert_eq!(nodes(&world, "status=online").await.len(), 1);
    assert!(nodes(&world, "status=offline").await.is_empty());
    world.clock.advance(Duration::from_secs(1));
    assert!(nodes(&world, "status=online").await.is_empty());
    assert_eq!(nodes(&world, "status=offline").await[0]["hostname"], "laptop");
    assert_eq!(nodes(&world, "status=unmonitored").await[0]["hostname"], "web-1");
    world.register(&token, "laptop", key(1)).await.unwrap();
    assert_eq!(nodes(&world, "status=online").await[0]["hostname"], "laptop");
}

#[tokio::test]
async fn a_self_enrolled_token_is_good_for_ten_minutes_to_the_second() {
    let world = World::calm().await;
    let bob = world.join("bob@example.com", Role::Member).await;
    let [first, second] = [world.self_enroll(&bob).await, world.self_enroll(&bob).await];
    world.clock.advance(Duration::from_secs(599));
    world.register(&first.unwrap(), "laptop", key(1)).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let late = json!({"token": second.unwrap().expose().as_str(), "hostname": "tablet"});
    let refused = Invocation::of("register-node", &world).body(&late).run(&world).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("token-expired")));
}

#[tokio::test]
async fn a_repeat_that_changes_nothing_is_written_down_after_five_minutes() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let body = json!({"token": token.expose().as_str(), "hostname": "web-1"});
    let register = async || Invocation::of("register-node", &world).body(&body).run(&world).await;
    let entered = register().await;
    world.clock.advance(Duration::from_mins(5));
    let kept = register().await;
    let mut expected = entered.body.clone();
    expected["outcome"] = "unchanged".into();
    assert_eq!((kept.status, &kept.body), (200, &expected));
    assert!(kept.sent.iter().all(|sent| !sent.writes()));
    world.clock.advance(Duration::from_secs(1));
    let seen = register().await.body;
    assert_ne!(seen["last_seen_at"], entered.body["last_seen_at"]);
    assert_eq!(seen["updated_at"], entered.body["updated_at"]);
}

#[tokio::test]
async fn an_expiry_is_judged_when_the_request_comes() {
    let world = World::calm().await;
    let at =
        |seconds: u64| world.store.environment().clock.now().after(Duration::from_secs(seconds));
    let create = async |expires_at: String| {
        let body = json!({"name": "x", "expires_at": expires_at});
        Invocation::of("create-token", &world).body(&body).run(&world).await
    };
    let now = create(at(0).to_string()).await;
    assert_eq!((now.status, &now.body["errors"][0]["pointer"]), (400, &json!("/expires_at")));
    assert_eq!(create(at(1).to_string()).await.status, 201);
}
