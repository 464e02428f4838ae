//! 6, through the handler: it takes stream records in order, up to the first that fails.

use muster_shared::domain::id::MembershipId;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::role::Role;
use muster_shared::store::Patience;
use muster_tests::world::World;
use serde_json::{Value, json};
use std::time::Duration;

fn record(world: &World, number: u32, who: &Principal, membership: MembershipId) -> Value {
    json!({
        "eventID": number.to_string(),
        "eventName": "REMOVE",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": number.to_string(),
            "Keys": {
                "pk": {"S": format!("TEAM#{}", world.team)},
                "sk": {"S": format!("MEMBER#{who}")}
            },
            "OldImage": {
                "version": {"N": "1"},
                "membership": {"S": membership.to_string()},
                "principal": {"S": who.to_string()},
                "role": {"S": "admin"},
                "joined_at": {"N": "1900000000"}
            }
        }
    })
}

async fn handle(world: &World, event: Value) -> Value {
    let session = world.store.session(Duration::from_secs(2));
    member_cascade::handle(&session, event, Patience::default()).await.unwrap()
}

#[tokio::test]
async fn the_first_record_that_fails_is_named_and_those_before_it_are_done() {
    let world = World::calm().await;
    let mut records = Vec::new();
    for (number, name) in (1..).zip(["bob@example.com", "carol@example.com"]) {
        let who = world.join(name, Role::Admin).await;
        let token = world.token_by(&who, Some(5)).await.unwrap().plaintext;
        world.register(&token, &format!("host-{number}"), None).await.unwrap();
        let membership = world.part(&who).await;
        records.push(record(&world, number, &who, membership));
    }
    let batch = json!({ "Records": records });
    // Bob's sweep writes a mark, a node and its result; Carol's begins after that.
    world.wire.cut_after(3);
    let answer = handle(&world, batch.clone()).await;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "2"}]}));
    assert!(world.wire.mend());
    assert_eq!(world.contents().await.nodes().len(), 1);
    assert_eq!(handle(&world, batch).await, json!({"batchItemFailures": []}));
    assert!(world.contents().await.nodes().is_empty());
}

#[tokio::test]
async fn what_is_no_removal_of_a_member_is_passed_over() {
    let world = World::calm().await;
    let mut other = record(&world, 1, &world.owner, MembershipId::from_bytes([1; 8]));
    other["eventName"] = "MODIFY".into();
    let answer = handle(&world, json!({ "Records": [other] })).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(world.contents().await.of("REMOVAL#").count(), 0);
}

#[tokio::test]
async fn the_schedule_finishes_what_the_stream_has_begun() {
    let world = World::calm().await;
    let bob = world.join("bob@example.com", Role::Admin).await;
    let membership = world.part(&bob).await;
    let tick = json!({ "sweep": "unfinished-removals" });
    assert_eq!(handle(&world, tick.clone()).await, json!({"left": 1}));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(handle(&world, tick).await, json!({"left": 1}));
    assert!(world.removal(membership).await.completed_at.is_some());
}

#[tokio::test]
async fn an_event_that_is_neither_is_an_error() {
    let world = World::calm().await;
    for event in [json!({}), json!({"sweep": "everything"}), json!([]), json!({"Records": [{}]})] {
        let session = world.session();
        assert!(member_cascade::handle(&session, event, Patience::default()).await.is_err());
    }
}
