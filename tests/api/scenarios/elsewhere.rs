//! Nothing of another team is to be seen or changed, nor told from what is not there at all.

use lambda_http::http::Method;
use serde_json::{Value, json};

use crate::support::api::{Person, Request, encoded};
use crate::support::service::Service;
use crate::support::team::Team;

/// Every call there is in a team.
fn calls(who: &Person, team: &str, token: &str, member: &str) -> Vec<Request> {
    let path = |rest: &str| format!("/api/teams/{team}{rest}");
    let tokens = format!("/registration-tokens/{token}");
    let member = format!("/members/{}", encoded(member));
    let mut calls: Vec<_> = [
        (Method::GET, "/members"),
        (Method::GET, "/removals"),
        (Method::GET, "/registration-tokens"),
        (Method::GET, &tokens),
        (Method::DELETE, &tokens),
        (Method::GET, "/nodes"),
        (Method::DELETE, "/nodes/web-1"),
        (Method::DELETE, &member),
    ]
    .map(|(method, rest)| who.request(method, &path(rest)))
    .into();
    calls.extend([
        who.post(&path("/members"), &json!({"email": "x@example.com", "role": "owner"})),
        who.post(&path("/registration-tokens"), &json!({"name": "x"})),
        who.post(&path("/self-enroll"), &json!({})),
        who.request(Method::PATCH, &path(&member)).json(&json!({"role": "owner"})),
    ]);
    calls
}

async fn a_team_with_a_node(service: &Service) -> (Team, String) {
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    team.registers(&made, "web-1").await;
    (team, made.id)
}

#[tokio::test]
async fn another_teams_things_read_like_none() {
    let service = Service::start().await;
    let (team, token) = a_team_with_a_node(&service).await;
    let mallory = service.api.newcomer("mallory").await;
    let own = mallory.makes_a_team().await;
    let before = (team.members().await, team.tokens("").await, team.nodes("").await);

    let theirs = calls(&mallory, &team.id, &token, &team.who.email);
    let nobodys = calls(&mallory, "team_aaaaaaaaaaaaa", "tok_aaaaaaaaaaaaa", &team.who.email);
    for (theirs, nobodys) in theirs.iter().zip(&nobodys) {
        let mut problems = [Value::Null, Value::Null];
        for (problem, request) in problems.iter_mut().zip([theirs, nobodys]) {
            *problem = request.send().await.problem(404, "not-found");
            problem["request_id"] = Value::Null;
        }
        assert_eq!(problems[0], problems[1]);
    }
    let after = (team.members().await, team.tokens("").await, team.nodes("").await);
    assert_eq!(after, before);
    assert!(own.nodes("").await.is_empty() && own.tokens("").await.is_empty());
}

#[tokio::test]
async fn an_own_team_is_no_way_to_another_teams_things() {
    let service = Service::start().await;
    let (team, token) = a_team_with_a_node(&service).await;
    let membership = team.members().await[0]["membership_id"].as_str().unwrap().to_owned();
    let own = service.api.newcomer("mallory").await.makes_a_team().await;
    own.get(&format!("/registration-tokens/{token}")).await.problem(404, "not-found");
    own.delete(&format!("/registration-tokens/{token}")).await.problem(404, "not-found");
    own.delete("/nodes/web-1").await.problem(404, "not-found");
    for member in [&team.who.email, &membership] {
        own.removes(member).await.problem(404, "not-found");
        own.sets_role(member, "member").await.problem(404, "not-found");
    }
    assert!(own.nodes(&format!("token_id={token}")).await.is_empty());
    assert_eq!(team.tokens("status=active").await.len(), 1);
    assert_eq!((team.nodes("").await.len(), team.members().await.len()), (1, 1));
}

#[tokio::test]
async fn two_teams_may_have_a_hostname_each() {
    let service = Service::start().await;
    let (team, _) = a_team_with_a_node(&service).await;
    let (other, _) = a_team_with_a_node(&service).await;
    other.delete("/nodes/web-1").await.of(204);
    assert_eq!((team.nodes("").await.len(), other.nodes("").await.len()), (1, 0));
}
