//! Where a machine may put its token.

use serde_json::json;

use crate::support::service::Service;

#[tokio::test]
async fn a_token_is_taken_from_authorization_as_well() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    for (number, scheme) in ["Bearer", "bearer", "BEARER"].into_iter().enumerate() {
        let body = json!({"hostname": format!("web-{number}")});
        let request = service.api.register_with(&body);
        let request = request.header("authorization", format!("{scheme} {}", made.plaintext));
        assert_eq!(request.send().await.of(201)["token_id"], made.id.as_str());
    }
    assert_eq!(team.use_count(&made).await, 3);
}

#[tokio::test]
async fn the_same_token_in_both_places_is_one_token() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    let request = service.api.register(&made, json!({"hostname": "web-1"}));
    request.bearer(&made.plaintext).send().await.of(201);
    assert_eq!(team.use_count(&made).await, 1);
}

#[tokio::test]
async fn two_tokens_that_differ_are_refused_and_neither_is_used() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let (one, other) = (team.token(json!({})).await, team.token(json!({})).await);
    for bearer in [other.plaintext.as_str(), "enrt_", &one.plaintext.to_uppercase()] {
        let request = service.api.register(&one, json!({"hostname": "web-1"})).bearer(bearer);
        assert_eq!(request.send().await.invalid_at(), ["/token"]);
    }
    assert_eq!(team.use_count(&one).await + team.use_count(&other).await, 0);
    assert!(team.nodes("").await.is_empty());
}

#[tokio::test]
async fn without_a_token_anywhere_nobody_is_named() {
    let service = Service::start().await;
    for body in [json!({"hostname": "web-1"}), json!({"hostname": "web-1", "token": null})] {
        let request = service.api.register_with(&body);
        let answer = request.send().await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let basic = request.header("authorization", "Basic YTpi").send().await;
        basic.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn an_id_token_is_no_enrollment_token_and_the_other_way_round() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let made = owner.makes_a_team().await.token(json!({})).await;
    let request = service.api.register_with(&json!({"hostname": "web-1"}));
    request.bearer(&owner.jwt).send().await.problem(401, "invalid-token");
    let request = service.api.request(lambda_http::http::Method::GET, "/api/teams");
    request.bearer(&made.plaintext).send().await.refused_at_the_gate(401);
}
