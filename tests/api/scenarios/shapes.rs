//! The form of answers, where no other scenario is about it. Every answer of every test is held to
//! it besides: see `support/answer.rs`.

use lambda_http::http::Method;
use serde_json::json;

use crate::support::service::Service;

#[tokio::test]
async fn whoever_is_not_signed_in_is_told_so_by_api_gateway() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    for path in ["/api/teams".to_owned(), format!("/api/teams/{}/nodes", team.id)] {
        let request = service.api.request(Method::GET, &path);
        request.send().await.refused_at_the_gate(401);
        request.bearer("e30.e30.e30").send().await.refused_at_the_gate(401);
    }
    service.api.request(Method::PUT, "/api/teams").send().await.refused_at_the_gate(404);
}

#[tokio::test]
async fn a_problem_has_a_stable_type_and_code_and_says_what_to_do_next() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let answer = team.get("/registration-tokens/tok_aaaaaaaaaaaaa").await;
    let problem = answer.problem(404, "not-found");
    let expected = json!({
        "type": "urn:muster:problem:not-found",
        "title": "There is no such thing, or it is not yours to see",
        "status": 404,
        "code": "not-found",
        "detail": "Check the path, and that you are a member of the team.",
        "request_id": problem["request_id"],
    });
    assert_eq!(problem, expected);
    let another = team.get("/registration-tokens/tok_aaaaaaaaaaaaa").await.of(404);
    assert_ne!(another["request_id"], problem["request_id"]);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once_with_what_it_must_be() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let body = json!({
        "name": "", "max_uses": 0, "expires_at": "2001-01-01T00:00:00Z",
        "allowed_kinds": ["server", "A B"], "colour": "red",
    });
    let answer = team.post("/registration-tokens", &body).await;
    let at = ["/name", "/max_uses", "/allowed_kinds/1", "/expires_at", ""];
    assert_eq!(answer.invalid_at(), at);
    let errors = answer.of(400)["errors"].clone();
    let detail = |at: usize| errors[at]["detail"].as_str().unwrap().to_owned();
    assert!(detail(0).contains("1 to 100"), "{errors}");
    assert!(detail(1).contains("1,000,000"), "{errors}");
    assert!(detail(3).contains("future"), "{errors}");
    assert!(detail(4).contains("name, max_uses, expires_at, allowed_kinds"), "{errors}");
}

#[tokio::test]
async fn what_is_made_is_201_what_is_there_200_what_has_begun_202_what_is_gone_204() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let made = owner.post("/api/teams", &json!({"name": "x"})).send().await;
    made.of(201);
    assert_eq!(made.header("content-type"), Some("application/json"));
    let team = owner.makes_a_team().await;
    let bob = team.welcomes("bob", "member").await;
    team.sets_role(&bob.who.email, "member").await.of(200);
    let token = team.token(json!({})).await;
    let register = service.api.register(&token, json!({"hostname": "web-1"}));
    register.send().await.of(201);
    register.send().await.of(200);
    team.revokes(&token).await.of(200);
    team.removes(&bob.who.email).await.of(202);
    let gone = team.delete("/nodes/web-1").await;
    gone.of(204);
    assert_eq!((gone.text.as_str(), gone.header("content-type")), ("", None));
}
