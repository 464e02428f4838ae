//! What the clearing up after a removed member measures.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_shared::domain::removal::{SETTLE, WATCH};
use muster_shared::domain::role::Role;
use muster_shared::store::Patience;
use muster_tests::world::World;
use serde_json::{Value, json};

use super::emf;
use super::lines::Lines;

async fn invoke(world: &World, event: Value) -> bool {
    let session = world.store.session(Duration::from_secs(5));
    member_cascade::handle(&session, event, Patience::default()).await.is_ok()
}

async fn tick(world: &World) -> bool {
    invoke(world, json!({ "sweep": "unfinished-removals" })).await
}

/// Adds Bob, who lets a node in, and removes him; answers with the stream's record of it.
async fn removal(world: &World) -> Value {
    let bob = world.join("bob@example.com", Role::Admin).await;
    let token = world.token_by(&bob, Some(5)).await.unwrap().plaintext;
    world.register(&token, "web-1", None).await.unwrap();
    let membership = world.part(&bob).await;
    json!({
        "eventName": "REMOVE",
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"pk": {"S": format!("TEAM#{}", world.team)}, "sk": {"S": format!("MEMBER#{bob}")}},
            "OldImage": {
                "version": {"N": "1"}, "membership": {"S": membership.to_string()},
                "principal": {"S": bob.as_str()}, "role": {"S": "admin"},
                "joined_at": {"N": "1900000000"}
            }
        }
    })
}

#[tokio::test]
async fn the_lag_is_from_the_removal_to_the_end_of_the_sweep_that_the_stream_began() {
    let world = World::calm().await;
    let record = removal(&world).await;
    world.clock.advance(Duration::from_secs(7));
    let lines = Lines::of_the_stack();
    assert!(invoke(&world, json!({ "Records": [record] })).await);
    let told = lines.told();
    assert_eq!(told[0], "CascadeLag 7");
    assert!(told[1].starts_with("ReadUnits ") && told[2].starts_with("WriteUnits "), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[tokio::test]
async fn each_removal_of_a_batch_has_its_own_lag_and_its_own_capacity() {
    let world = World::calm().await;
    let record = removal(&world).await;
    let lines = Lines::of_the_stack();
    assert!(invoke(&world, json!({ "Records": [&record] })).await);
    let alone = lines.told();
    let other = World::calm().await;
    let record = removal(&other).await;
    lines.text();
    assert!(invoke(&other, json!({ "Records": [&record, &record] })).await);
    let both = lines.told();
    assert_eq!(both[..3], alone[..]);
    assert_eq!(both[3], "CascadeLag 0");
    // The second sweep finds the node gone, and writes down only that.
    assert_eq!((&both[5], both.len()), (&"WriteUnits 2".to_owned(), 6));
}

#[tokio::test]
async fn what_a_sweep_that_failed_has_cost_is_told_as_well() {
    let world = World::calm().await;
    let record = removal(&world).await;
    let lines = Lines::of_the_stack();
    let _held = world.wire.hold(|sent| sent.operation == "Query" && sent.mentions("#LANE#"));
    let session = world.store.session(Duration::from_millis(400));
    let event = json!({ "Records": [&record] });
    let answer = member_cascade::handle(&session, event, Patience::default()).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("a removal is not swept")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["team"], world.team.to_string(), "{line}");
    assert_eq!(line["membership"], record["dynamodb"]["OldImage"]["membership"]["S"], "{line}");
    let told: Vec<_> = emf::data(&line).iter().map(|datum| datum.metric.name()).collect();
    assert_eq!(told, ["ReadUnits", "WriteUnits"], "{line}");
}

#[tokio::test]
async fn unfinished_removals_are_told_until_they_have_completed_and_then_nothing_is() {
    let world = World::calm().await;
    removal(&world).await;
    let lines = Lines::of_the_stack();
    let round = async |unfinished: &[&str]| {
        assert!(tick(&world).await);
        let told = lines.told();
        let about = told.iter().filter(|told| told.contains("Removal"));
        assert_eq!(about.collect::<Vec<_>>(), unfinished, "{told:?}");
    };
    // The sweep that finds something, the first that finds nothing, and the one that finishes it.
    world.clock.advance(Duration::from_secs(30));
    round(&["UnfinishedRemovals 1", "OldestUnfinishedRemoval 30"]).await;
    world.clock.advance(Duration::from_secs(30));
    round(&["UnfinishedRemovals 1", "OldestUnfinishedRemoval 60"]).await;
    world.clock.advance(SETTLE);
    round(&[]).await;
    // It is watched, which is told as work, and not as a removal that has not completed.
    round(&[]).await;
    world.clock.advance(WATCH);
    round(&[]).await;
    lines.text();
    assert!(tick(&world).await);
    assert_eq!(lines.text(), "", "nothing is to be done, so nothing is told");
}

#[tokio::test]
async fn a_removal_that_cannot_be_swept_is_told_as_unfinished_unless_it_has_completed() {
    let world = World::calm().await;
    let [bob, carol] = ["bob@example.com", "carol@example.com"];
    let bob = world.join(bob, Role::Admin).await;
    let carol = world.join(carol, Role::Admin).await;
    let membership = world.part(&bob).await;
    world.finish(membership).await;
    world.part(&carol).await;
    world.clock.advance(Duration::from_secs(10));
    let lines = Lines::of_the_stack();
    let _held = world.wire.hold(|sent| sent.operation == "Query" && sent.mentions("#TOKENS"));
    let session = world.store.session(Duration::from_millis(400));
    let event = json!({ "sweep": "unfinished-removals" });
    assert!(member_cascade::handle(&session, event, Patience::default()).await.is_err());
    let told = lines.told();
    assert_eq!(told[..2], ["UnfinishedRemovals 1", "OldestUnfinishedRemoval 10"]);
}

#[tokio::test]
async fn a_removal_that_cannot_be_read_is_told_as_unfinished_and_holds_no_other_up() {
    let world = World::calm().await;
    let members = [
        world.join("bob@example.com", Role::Admin).await,
        world.join("carol@example.com", Role::Admin).await,
    ];
    let [broken, whole] = [world.part(&members[0]).await, world.part(&members[1]).await];
    let key = |text: String| AttributeValue::S(text);
    let update = world.engine.client().update_item().table_name(world.engine.table());
    let update = update.key("pk", key(format!("TEAM#{}", world.team)));
    let update = update.key("sk", key(format!("REMOVAL#{broken}")));
    let update = update.update_expression("SET findings = :none");
    update.expression_attribute_values(":none", key("none".into())).send().await.unwrap();
    let lines = Lines::of_the_stack();
    for _ in 0..2 {
        world.clock.advance(SETTLE);
        assert!(!tick(&world).await, "the failure is answered with");
    }
    // Whichever of the two came first.
    let told = lines.told();
    assert_eq!(told.iter().filter(|told| *told == "UnfinishedRemovals 1").count(), 1, "{told:?}");
    let client = world.engine.client();
    let item = client.get_item().table_name(world.engine.table());
    let item = item.key("pk", key(format!("TEAM#{}", world.team)));
    let item = item.key("sk", key(format!("REMOVAL#{whole}"))).send().await.unwrap().item.unwrap();
    assert!(item.contains_key("completed_at"), "{item:?}");
}
