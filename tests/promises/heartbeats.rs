//! Heartbeats of devices: one a minute counts, and only the device's own key sends them.

use muster_shared::domain::heartbeat::{APART, Heartbeat};
use muster_shared::domain::node::Node;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::report::Report;
use muster_shared::store::Device;
use muster_tests::wire::Sent;
use muster_tests::world::{Final, World, insist, key};

use crate::in_every_weather;

in_every_weather! {
    only_the_device_s_own_key_is_heard
    two_heartbeats_in_a_minute_count_once
    a_device_that_leaves_is_gone_with_its_address
}

fn is_update(sent: &Sent) -> bool {
    sent.operation == "UpdateItem"
}

fn laptop(world: &World, n: u8) -> Device {
    Device { team: world.team, hostname: "laptop".parse().unwrap(), key: key(n).unwrap() }
}

fn running(os: &str) -> Heartbeat {
    Heartbeat { os: Some(os.parse().unwrap()), ..Heartbeat::default() }
}

async fn beat(world: &World, device: &Device, heartbeat: &Heartbeat) -> Final<Node> {
    insist(async || world.session().record_heartbeat(device, heartbeat).await).await
}

async fn only_the_device_s_own_key_is_heard(world: World) {
    let token = world.token(None).await;
    let node = world.register(&token, "laptop", key(1)).await.unwrap().node;
    world.clock.advance(APART);
    let refused = beat(&world, &laptop(&world, 2), &running("Windows")).await;
    assert_eq!(refused.unwrap_err(), Refusal::NotFound);
    let own = beat(&world, &laptop(&world, 1), &Heartbeat::default()).await.unwrap();
    assert_eq!(own.os(), None, "nothing of the other's is there");
    assert_eq!(own.last_seen_at, node.last_seen_at.after(APART));
    assert_eq!((own.id, own.version), (node.id, node.version));
    world.check().await;
}

async fn two_heartbeats_in_a_minute_count_once(world: World) {
    let token = world.token(None).await;
    world.register(&token, "laptop", key(1)).await.unwrap();
    let device = laptop(&world, 1);
    world.clock.advance(APART);
    let first = beat(&world, &device, &running("one")).await.unwrap();
    let second = beat(&world, &device, &running("two")).await.unwrap();
    assert_eq!(second, first);
    world.clock.advance(APART);
    let third = beat(&world, &device, &running("three")).await.unwrap();
    assert_eq!(third.os().unwrap().as_str(), "three");
}

async fn a_device_that_leaves_is_gone_with_its_address(world: World) {
    let token = world.token(None).await;
    world.register(&token, "laptop", key(1)).await.unwrap();
    let leave = async |n| {
        let device = laptop(&world, n);
        insist(async || world.session().leave_team(&device).await).await
    };
    assert_eq!(leave(2).await.unwrap_err(), Refusal::NotFound);
    assert_eq!(world.contents().await.nodes().len(), 1);
    // Under faults, the answer to the request before may have been lost.
    assert!(matches!(leave(1).await, Ok(()) | Err(Refusal::NotFound)));
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty());
    assert_eq!(contents.of("ADDR").count(), 0);
    world.check().await;
}

#[tokio::test]
async fn a_node_without_a_key_has_nobody_to_speak_for_it() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "laptop", None).await.unwrap();
    world.clock.advance(APART);
    let refused = beat(&world, &laptop(&world, 1), &running("Debian")).await;
    assert_eq!(refused.unwrap_err(), Refusal::NotFound);
}

#[tokio::test]
async fn a_heartbeat_that_stalls_until_the_device_is_removed_brings_nothing_back() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "laptop", key(1)).await.unwrap();
    world.clock.advance(APART);
    let mut held = world.wire.hold(is_update);
    let device = laptop(&world, 1);
    let heartbeat = running("Debian");
    let stalled = beat(&world, &device, &heartbeat);
    let remove = async {
        held.arrived().await;
        let hostname = "laptop".parse().unwrap();
        world.session().remove_node(world.team, &world.owner, &hostname).await.unwrap();
        held.release();
    };
    let (refused, ()) = tokio::join!(stalled, remove);
    assert_eq!(refused.unwrap_err(), Refusal::NotFound);
    assert!(world.contents().await.nodes().is_empty());
}

#[tokio::test]
async fn a_heartbeat_whose_answer_was_lost_has_counted() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "laptop", key(1)).await.unwrap();
    world.clock.advance(APART);
    world.wire.lose_answer(is_update);
    let node = beat(&world, &laptop(&world, 1), &running("Debian")).await.unwrap();
    assert_eq!(node.os().unwrap().as_str(), "Debian");
}

#[tokio::test]
async fn of_the_system_holds_what_was_said_last() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let says = |os: &str| {
        let mut report = Report::of("laptop".parse().unwrap());
        report.os = Some(os.parse().unwrap());
        report
    };
    let os = |node: &Node| node.os().unwrap().as_str().to_owned();
    let report = async |os| world.report(&token, says(os), key(1)).await.unwrap().node;
    assert_eq!(os(&report("Debian 11").await), "Debian 11");
    world.clock.advance(APART);
    let device = laptop(&world, 1);
    assert_eq!(os(&beat(&world, &device, &running("Debian 12")).await.unwrap()), "Debian 12");
    assert_eq!(os(&report("Debian 13").await), "Debian 13");
    world.clock.advance(APART);
    let silent = beat(&world, &device, &Heartbeat::default()).await.unwrap();
    assert_eq!(os(&silent), "Debian 13", "as it registered");
}
