//! Devices that speak for themselves: heartbeats, a look at their own node, leaving.

use lambda_http::http::Method;
use serde_json::{Value, json};

use crate::support::device::{Device, hash};
use crate::support::service::Service;
use crate::support::team::Team;

async fn a_device(service: &Service) -> (Team, Device, Value) {
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let device = Device::new();
    let made = team.token(json!({})).await;
    let report = json!({"hostname": "laptop", "kind": "device", "os": "Debian 12"});
    let node = device.register(api, &made, report).send().await.registered("created");
    (team, device, node)
}

#[tokio::test]
async fn a_device_sees_its_own_node_and_says_that_it_is_there() {
    let service = Service::start().await;
    let (team, device, node) = a_device(&service).await;
    let api = &service.api;
    let own = device.speaks(api, Method::GET, "", &node).send().await.of(200);
    assert_eq!(own, node);
    // It has only just registered, so this says nothing new.
    let facts = json!({"os": "Debian 13", "agent_version": "0.1.0", "addresses": ["192.0.2.7"]});
    let beat = device.speaks(api, Method::POST, "/heartbeat", &node).json(&facts);
    assert_eq!(beat.send().await.of(200), node);
    assert_eq!(team.nodes("status=online").await, [node]);
}

#[tokio::test]
async fn a_device_leaves_and_gives_its_address_back() {
    let service = Service::start().await;
    let (team, device, node) = a_device(&service).await;
    let api = &service.api;
    device.speaks(api, Method::DELETE, "", &node).send().await.of(204);
    assert!(team.nodes("").await.is_empty());
    for (method, rest) in [(Method::DELETE, ""), (Method::GET, ""), (Method::POST, "/heartbeat")] {
        device.speaks(api, method, rest, &node).send().await.problem(404, "not-found");
    }
    let made = team.token(json!({})).await;
    let again = device.register(api, &made, json!({"hostname": "laptop"})).send().await.of(201);
    assert_eq!(again["private_ip"], node["private_ip"]);
}

#[tokio::test]
async fn nobody_else_speaks_for_a_device() {
    let service = Service::start().await;
    let (team, _, node) = a_device(&service).await;
    let api = &service.api;
    let made = team.token(json!({})).await;
    let keyless = team.registers(&made, "web-1").await;
    let stranger = Device::new();
    for (method, rest) in [(Method::GET, ""), (Method::POST, "/heartbeat"), (Method::DELETE, "")] {
        for node in [&node, &keyless] {
            let asked = stranger.speaks(api, method.clone(), rest, node);
            asked.send().await.problem(404, "not-found");
        }
    }
    assert_eq!(team.nodes("").await, [node, keyless]);
}

#[tokio::test]
async fn a_proof_is_for_the_very_request() {
    let service = Service::start().await;
    let (_, device, node) = a_device(&service).await;
    let api = &service.api;
    let team = node["team_id"].as_str().unwrap();
    let own = "/api/nodes/self";
    let asked = || api.request(Method::GET, &format!("{own}?team_id={team}&hostname=laptop"));
    asked().send().await.problem(401, "unauthenticated");
    let url = api.url(own);
    let wrong = [
        device.proof_for("DELETE", &url),
        device.proof_for("GET", &api.url("/api/nodes/self/heartbeat")),
        device.proof_for("GET", &url).claim("iat", json!(0)),
        device.proof_for("POST", &api.url("/api/register-node")).claim("ath", hash("x").into()),
    ];
    for proof in wrong {
        asked().header("dpop", proof.sign()).send().await.problem(401, "invalid-proof");
    }
    let two = asked().header("dpop", device.proof_for("GET", &url).sign());
    two.header("dpop", "x").send().await.problem(401, "invalid-proof");
    asked().header("dpop", device.proof_for("GET", &url).sign()).send().await.of(200);
}

#[tokio::test]
async fn a_heartbeat_that_is_wrong_is_told_what_is_wrong() {
    let service = Service::start().await;
    let (_, device, node) = a_device(&service).await;
    let many: Vec<_> = (0..17).map(|n| format!("192.0.2.{n}")).collect();
    for (body, at) in [
        (json!({"os": ""}), "/os"),
        (json!({"agent_version": "x".repeat(65)}), "/agent_version"),
        (json!({"addresses": "192.0.2.1"}), "/addresses"),
        (json!({"addresses": ["192.0.2.1", "localhost"]}), "/addresses/1"),
        (json!({"addresses": many}), "/addresses"),
        (json!({"private_ip": "100.64.0.1"}), ""),
    ] {
        let beat = device.speaks(&service.api, Method::POST, "/heartbeat", &node).json(&body);
        assert_eq!(beat.send().await.invalid_at(), [at], "{body}");
    }
}
