//! Machines with a key of their own.

use serde_json::{Value, json};

use crate::support::device::Device;
use crate::support::service::Service;
use crate::support::team::each;
use crate::support::views;

fn laptop() -> Value {
    json!({"hostname": "laptop", "kind": "device"})
}

fn octets(address: &Value) -> [u8; 4] {
    let address: std::net::Ipv4Addr = address.as_str().unwrap().parse().unwrap();
    address.octets()
}

#[tokio::test]
async fn a_member_enrolls_a_device_of_their_own() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let bob = team.welcomes("bob", "member").await;
    let made = bob.self_enroll().await;
    assert_eq!(
        (&made.answer["origin"], &made.answer["max_uses"]),
        (&json!("self-enroll"), &json!(1))
    );
    let lifetime =
        views::time(&made.answer["expires_at"]) - views::time(&made.answer["created_at"]);
    assert_eq!(lifetime, 10 * 60);
    assert_eq!(made.answer["join_command"], Value::Null, "curl alone has no key");

    api.register(&made, laptop()).send().await.problem(403, "key-required");
    let device = Device::new();
    let node = device.register(api, &made, laptop()).send().await.registered("created");
    assert_eq!((&node["status"], &node["token_id"]), (&json!("online"), &json!(made.id)));
    let [first, second, ..] = octets(&node["private_ip"]);
    assert!(first == 100 && (64..128).contains(&second), "of 100.64.0.0/10: {node}");
    assert_eq!(bob.nodes("").await, std::slice::from_ref(&node));

    let again = device.register(api, &made, laptop()).send().await.registered("unchanged");
    assert_eq!(again, node, "a repeat on a token that is used up is still a repeat");
    let token = team.look_at(&made).await;
    assert_eq!((&token["status"], &token["use_count"]), (&json!("exhausted"), &json!(1)));
    let other = Device::new().register(api, &made, json!({"hostname": "another"}));
    other.send().await.problem(403, "token-exhausted");
}

#[tokio::test]
async fn nobody_takes_a_devices_hostname_over() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let (bob, carol) =
        (team.welcomes("bob", "member").await, team.welcomes("carol", "member").await);
    let device = Device::new();
    let node =
        device.register(api, &bob.self_enroll().await, laptop()).send().await.registered("created");

    let by_admin = team.token(json!({})).await;
    let thieves = [
        api.register(&by_admin, laptop()),
        Device::new().register(api, &by_admin, laptop()),
        Device::new().register(api, &bob.self_enroll().await, laptop()),
        Device::new().register(api, &carol.self_enroll().await, laptop()),
        // The right key, but a token that makes and reaches only nodes of carol's.
        device.register(api, &carol.self_enroll().await, laptop()),
    ];
    for thief in thieves {
        thief.send().await.problem(409, "hostname-conflict");
    }
    assert_eq!(team.nodes("").await, std::slice::from_ref(&node));
    assert_eq!(team.use_count(&by_admin).await, 0);

    let signed_in_again = device.register(api, &bob.self_enroll().await, laptop());
    let again = signed_in_again.send().await.registered("updated");
    assert_eq!((&again["id"], &again["private_ip"]), (&node["id"], &node["private_ip"]));
    let entered = device.register(api, &by_admin, laptop()).send().await.registered("updated");
    assert_eq!((&entered["id"], &entered["token_id"]), (&node["id"], &json!(by_admin.id)));
}

#[tokio::test]
async fn a_self_enrolled_token_reaches_no_machine_of_another_member() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let node = team.registers(&team.token(json!({})).await, "web-1").await;
    let bob = team.welcomes("bob", "member").await;
    let made = bob.self_enroll().await;
    let taking = Device::new().register(api, &made, json!({"hostname": "web-1"}));
    taking.send().await.problem(409, "hostname-conflict");
    assert_eq!(bob.nodes("").await, [node]);
    assert_eq!(team.use_count(&made).await, 0);
}

#[tokio::test]
async fn a_machine_without_a_key_becomes_a_device_and_never_the_other_way() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({"max_uses": 1})).await;
    let machine = team.registers(&made, "laptop").await;
    let hostname = json!({"hostname": "laptop"});

    let device = Device::new();
    let upgraded = device.register(api, &made, hostname.clone()).send().await.registered("updated");
    assert_eq!((&upgraded["id"], &upgraded["status"]), (&machine["id"], &json!("online")));
    assert_eq!(team.use_count(&made).await, 1);
    api.register(&made, hostname.clone()).send().await.problem(409, "hostname-conflict");
    let other = Device::new().register(api, &made, hostname.clone());
    let refused = other.send().await.problem(409, "hostname-conflict");
    let holder = json!({
        "id": machine["id"], "created_at": machine["created_at"], "last_seen_at": upgraded["last_seen_at"],
    });
    assert_eq!(refused["holder"], holder);
    let again = device.register(api, &made, hostname).send().await.registered("unchanged");
    assert_eq!(again, upgraded);
}

#[tokio::test]
async fn every_device_has_an_address_of_its_own_and_gets_it_again() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    for number in 0..20 {
        let report = json!({"hostname": format!("device-{number}")});
        Device::new().register(api, &made, report).send().await.of(201);
    }
    let nodes = team.nodes("").await;
    let mut addresses = each(&nodes, "private_ip");
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 20);

    let path = "/nodes/Device-7";
    team.delete(path).await.of(204);
    team.delete(path).await.problem(404, "not-found");
    let before = nodes.iter().find(|node| node["hostname"] == "device-7").unwrap();
    let report = json!({"hostname": "device-7"});
    let again = Device::new().register(api, &made, report).send().await.of(201);
    assert_ne!(again["id"], before["id"], "another node");
    assert_eq!(again["private_ip"], before["private_ip"]);
}
