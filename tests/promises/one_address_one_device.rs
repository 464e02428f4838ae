//! 8. Two devices of a team never hold the same address, and no address is held by nobody.

use std::collections::HashMap;

use futures_util::future::join_all;
use muster_shared::domain::address::PrivateIp;
use muster_shared::domain::hostname::Hostname;
use muster_tests::world::{World, key};

use crate::in_every_weather;

in_every_weather! {
    devices_whose_hostnames_draw_the_same_address_get_two
    devices_that_come_and_go_leave_no_address_behind
    a_machine_that_comes_back_gets_its_old_address
}

/// Two hostnames that draw the same first address: in a pool of 4 million, some 3,000 names do.
fn colliding(world: &World) -> (String, String) {
    let mut seen = HashMap::new();
    for n in 0_u32.. {
        let name = format!("host-{n}");
        let host: Hostname = name.parse().unwrap();
        if let Some(other) = seen.insert(PrivateIp::of(world.team, &host, 0), name.clone()) {
            return (other, name);
        }
    }
    unreachable!("the pool is finite")
}

async fn devices_whose_hostnames_draw_the_same_address_get_two(world: World) {
    let (one, two) = colliding(&world);
    let token = world.token(None).await;
    let both =
        join_all([world.register(&token, &one, key(1)), world.register(&token, &two, key(2))])
            .await;
    let ips: Vec<_> = both.into_iter().map(|device| device.unwrap().node.private_ip).collect();
    assert!(ips[0].is_some() && ips[1].is_some());
    assert_ne!(ips[0], ips[1]);
    world.check().await;
}

async fn devices_that_come_and_go_leave_no_address_behind(world: World) {
    let token = world.token(None).await;
    let lives = (0..12_u8).map(|n| {
        let (world, token) = (&world, &token);
        async move {
            let host = format!("host-{}", n % 4);
            let parsed: Hostname = host.parse().unwrap();
            for _ in 0..3 {
                let _ = world.register(token, &host, key(n % 4)).await;
                let session = world.session();
                let _ = session.remove_node(world.team, &world.owner, &parsed).await;
            }
        }
    });
    join_all(lives).await;
    world.check().await;
}

async fn a_machine_that_comes_back_gets_its_old_address(world: World) {
    let token = world.token(None).await;
    let ip = world.register(&token, "web-1", key(1)).await.unwrap().node.private_ip;
    let host = "web-1".parse().unwrap();
    let removed = async || world.session().remove_node(world.team, &world.owner, &host).await;
    muster_tests::world::insist(removed).await.unwrap();
    assert_eq!(world.contents().await.of("ADDR").count(), 0);
    assert_eq!(world.register(&token, "web-1", key(2)).await.unwrap().node.private_ip, ip);
}

#[tokio::test]
async fn a_removal_that_stalls_while_the_node_becomes_a_device_leaves_no_address_behind() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let host = "web-1".parse().unwrap();
    let mut held = world.wire.hold(|sent| sent.mentions("\"Delete\""));
    let session = world.session();
    let removal = session.remove_node(world.team, &world.owner, &host);
    let upgrade = async {
        held.arrived().await;
        world.register(&token, "web-1", key(1)).await.unwrap();
        held.release();
    };
    let (removed, ()) = tokio::join!(removal, upgrade);
    removed.unwrap();
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty());
    contents.check();
}

#[tokio::test]
async fn an_upgrade_that_stalls_while_the_node_is_removed_does_not_bring_it_back_by_halves() {
    let world = World::calm().await;
    let token = world.token(Some(1)).await;
    world.register(&token, "web-1", None).await.unwrap();
    let host = "web-1".parse().unwrap();
    let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
    let upgrade = world.register(&token, "web-1", key(1));
    let remove = async {
        held.arrived().await;
        let session = world.session();
        session.remove_node(world.team, &world.owner, &host).await.unwrap();
        held.release();
    };
    let (upgraded, ()) = tokio::join!(upgrade, remove);
    assert!(upgraded.is_err(), "the token's one use was taken by the node that is gone");
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty());
    contents.check();
}
