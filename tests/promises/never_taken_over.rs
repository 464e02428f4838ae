//! 7. A device's hostname can be re-registered only with its own key; a self-enrolled token reaches
//!    no node of another membership.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::role::Role;
use muster_tests::world::{World, key};

use crate::in_every_weather;

in_every_weather! {
    a_device_is_reached_only_with_its_own_key
    of_two_keys_at_once_on_a_keyless_node_one_wins
    of_many_keys_at_once_on_a_new_hostname_one_wins
    a_self_enrolled_token_reaches_only_nodes_of_its_own_membership
}

async fn a_device_is_reached_only_with_its_own_key(world: World) {
    let (token, other) = (world.token(None).await, world.token(Some(5)).await);
    let device = world.register(&token, "web-1", key(1)).await.unwrap().node;
    for token in [&token, &other] {
        for thief in [None, key(2)] {
            let refused = world.register(token, "web-1", thief).await;
            assert_eq!(refused.unwrap_err(), Refusal::HostnameConflict((&device).into()));
        }
        let own = world.register(token, "web-1", key(1)).await.unwrap().node;
        assert_eq!((own.id, own.private_ip), (device.id, device.private_ip));
    }
    assert_eq!(world.contents().await.uses(&other.token().to_string()), 1);
    world.check().await;
}

async fn of_two_keys_at_once_on_a_keyless_node_one_wins(world: World) {
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let both = join_all((1..=6).map(|n| world.register(&token, "web-1", key(n)))).await;
    let won: Vec<_> = both.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    let lost = both.iter().filter(|o| matches!(o, Err(Refusal::HostnameConflict(_)))).count();
    assert_eq!(lost, 5);
    world.check().await;
}

async fn of_many_keys_at_once_on_a_new_hostname_one_wins(world: World) {
    let token = world.token(None).await;
    let all = join_all((1..=6).map(|n| world.register(&token, "web-1", key(n)))).await;
    assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(world.contents().await.uses(&token.token().to_string()), 1);
    world.check().await;
}

async fn a_self_enrolled_token_reaches_only_nodes_of_its_own_membership(world: World) {
    let bob = world.join("bob@example.com", Role::Member).await;
    let admin = world.token(None).await;
    world.register(&admin, "keyless", None).await.unwrap();
    world.register(&admin, "device", key(1)).await.unwrap();
    let own = world.self_enroll(&bob).await.unwrap();
    for host in ["keyless", "device"] {
        let taken = world.register(&own, host, key(1)).await;
        assert!(matches!(taken, Err(Refusal::HostnameConflict(_))));
    }
    assert_eq!(world.register(&own, "mine", None).await.unwrap_err(), Refusal::KeyRequired);
    let mine = world.register(&own, "mine", key(2)).await.unwrap().node;
    let later = world.self_enroll(&bob).await.unwrap();
    assert_eq!(world.register(&later, "mine", key(2)).await.unwrap().node.id, mine.id);
    world.check().await;
}

#[tokio::test]
async fn a_key_that_stalls_while_another_makes_the_node_a_device_is_refused() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
    let slow = world.register(&token, "web-1", key(1));
    let fast = async {
        held.arrived().await;
        world.register(&token, "web-1", key(2)).await.unwrap();
        held.release();
    };
    let (slow, ()) = tokio::join!(slow, fast);
    assert!(matches!(slow, Err(Refusal::HostnameConflict(_))));
    world.check().await;
}

#[tokio::test]
async fn a_keyless_report_that_stalls_while_the_node_becomes_a_device_is_refused() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let mut report = muster_shared::domain::report::Report::of("web-1".parse().unwrap());
    report.name = Some("stale".parse().unwrap());
    let mut held = world.wire.hold(|sent| sent.operation == "PutItem");
    let slow = world.report(&token, report, None);
    let fast = async {
        held.arrived().await;
        world.register(&token, "web-1", key(2)).await.unwrap();
        held.release();
    };
    let (slow, ()) = tokio::join!(slow, fast);
    assert!(matches!(slow, Err(Refusal::HostnameConflict(_))));
    world.check().await;
}

#[tokio::test]
async fn a_self_enrolled_token_that_stalls_while_the_node_gets_another_sponsor_is_refused() {
    let world = World::calm().await;
    let bob = world.join("bob@example.com", Role::Member).await;
    let own = world.self_enroll(&bob).await.unwrap();
    world.register(&own, "laptop", key(1)).await.unwrap();
    let second = world.self_enroll(&bob).await.unwrap();
    let admin = world.token(None).await;
    let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
    let slow = world.register(&second, "laptop", key(1));
    let fast = async {
        held.arrived().await;
        world.register(&admin, "laptop", key(1)).await.unwrap();
        held.release();
    };
    let (slow, ()) = tokio::join!(slow, fast);
    assert!(matches!(slow, Err(Refusal::HostnameConflict(_))));
}

#[tokio::test]
async fn a_keyless_machine_is_not_shown_the_device_that_its_node_has_become() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let sent = AtomicBool::new(false);
    let mut again = world.wire.hold(move |call| {
        call.operation == "TransactWriteItems" && sent.swap(true, Ordering::SeqCst)
    });
    world.wire.lose_answer(|sent| sent.operation == "TransactWriteItems");
    let keyless = world.register(&token, "web-1", None);
    let upgrade = async {
        again.arrived().await;
        let device = world.register(&token, "web-1", key(1)).await.unwrap();
        again.release();
        device
    };
    let (keyless, device) = tokio::join!(keyless, upgrade);
    assert!(device.node.private_ip.is_some());
    assert_eq!(keyless.unwrap().node.private_ip, None);
}
