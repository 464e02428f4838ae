//! Limits of a token: time, uses, kinds.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use muster_shared::environment::Environment;
use serde_json::json;

use crate::support::api::Request;
use crate::support::device::Device;
use crate::support::service::Service;
use crate::support::views;

#[tokio::test]
async fn an_expired_token_lets_nobody_in_not_even_who_is_in() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let expires_at = Environment::system().clock.now().after(Duration::from_secs(3)).to_string();
    let made = team.token(json!({"expires_at": expires_at})).await;
    assert_eq!(made.answer["expires_at"], expires_at);
    let node = team.registers(&made, "web-1").await;
    let repeat = service.api.register(&made, json!({"hostname": "web-1"}));
    let expired = async || {
        let answer = repeat.send().await;
        if answer.status == 200 { None } else { Some(answer) }
    };
    service.eventually(expired).await.problem(403, "token-expired");
    let newcomer = service.api.register(&made, json!({"hostname": "web-2"}));
    newcomer.send().await.problem(403, "token-expired");
    let token = team.look_at(&made).await;
    assert_eq!((&token["status"], &token["use_count"]), (&json!("expired"), &json!(1)));
    assert_eq!(team.nodes("").await, [node]);
    assert_eq!(team.revokes(&made).await.of(200)["status"], "revoked", "revoked comes first");
}

#[tokio::test]
async fn an_expiry_may_be_given_in_any_offset() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({"expires_at": "2199-12-31T23:30:00.5-01:00"})).await;
    assert_eq!(made.answer["expires_at"], "2200-01-01T00:30:00Z");
    assert_eq!(views::time(&team.look_at(&made).await["expires_at"]), 7_258_120_200);
}

#[tokio::test]
async fn a_token_that_is_used_up_lets_in_who_is_in_and_nobody_else() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({"max_uses": 2})).await;
    for host in ["web-1", "web-2"] {
        team.registers(&made, host).await;
    }
    assert_eq!(team.look_at(&made).await["status"], "exhausted");
    for host in ["web-3", "web-4"] {
        let refused = service.api.register(&made, json!({"hostname": host}));
        refused.send().await.problem(403, "token-exhausted");
    }
    let device = Device::new().register(&service.api, &made, json!({"hostname": "laptop"}));
    device.send().await.problem(403, "token-exhausted");
    let repeat = service.api.register(&made, json!({"hostname": "web-1", "os": "Debian 12"}));
    assert_eq!(repeat.send().await.of(200)["os"], "Debian 12");
    assert_eq!((team.use_count(&made).await, team.nodes("").await.len()), (2, 2));
    team.delete("/nodes/web-1").await.of(204);
    service.api.register(&made, json!({"hostname": "web-1"})).send().await;
    assert_eq!(team.use_count(&made).await, 2, "a use is never given back");
}

#[tokio::test]
async fn a_fleet_uses_a_wide_token_up_to_the_unit() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({"max_uses": 150})).await;
    let fleet: Vec<_> = (0..160)
        .map(|number| {
            let report = json!({"hostname": format!("web-{number}"), "group": "fleet"});
            service.api.register(&made, report)
        })
        .collect();
    let fleet = stream::iter(fleet.iter().map(Request::insist));
    let answers: Vec<_> = fleet.buffer_unordered(service.at_once).collect().await;
    // 200 is the answer to one who was told to come again and had been let in already.
    let (entered, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| [200, 201].contains(&answer.status));
    assert_eq!(entered.len(), 150);
    for refused in refused {
        refused.problem(403, "token-exhausted");
    }
    let token = team.look_at(&made).await;
    assert_eq!((&token["status"], &token["use_count"]), (&json!("exhausted"), &json!(150)));
    assert_eq!(team.nodes("limit=100&group=fleet").await.len(), 150);
}

#[tokio::test]
async fn a_token_admits_its_kinds_and_a_refusal_burns_no_use() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let kinds = json!({"allowed_kinds": ["pod", "container", "pod"], "max_uses": 1});
    let made = team.token(kinds).await;
    assert_eq!(made.answer["allowed_kinds"], json!(["pod", "container"]));
    for report in [json!({"hostname": "app"}), json!({"hostname": "app", "kind": "server"})] {
        api.register(&made, report).send().await.problem(403, "kind-not-allowed");
    }
    assert_eq!((team.use_count(&made).await, team.nodes("").await.len()), (0, 0));

    let pod = api
        .register(&made, json!({"hostname": "app", "kind": "pod"}))
        .send()
        .await
        .registered("created");
    let server = api.register(&made, json!({"hostname": "app", "kind": "server", "os": "x"}));
    server.send().await.problem(403, "kind-not-allowed");
    let unsaid =
        api.register(&made, json!({"hostname": "app"})).send().await.registered("unchanged");
    assert_eq!(unsaid, pod, "the resulting kind must be allowed, and is");
}
