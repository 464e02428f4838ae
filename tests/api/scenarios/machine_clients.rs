//! A pipeline that signs in with client credentials.

use serde_json::{Value, json};

use crate::support::service::Service;

#[tokio::test]
async fn a_machine_client_is_a_member_like_any_other() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let deploy = service.api.client("deploy-pipeline").await;
    let body = json!({"principal": deploy.email, "role": "admin"});
    let member = team.post("/members", &body).await.of(201);
    assert_eq!((&member["principal"], &member["email"]), (&json!(deploy.email), &Value::Null));

    let seen = team.seen_by(&deploy);
    let made = seen.token(json!({"max_uses": 1})).await;
    assert_eq!(made.answer["created_by"], json!({"email": null, "principal": deploy.email}));
    seen.registers(&made, "web-1").await;
    let changed = team.sets_role(&deploy.email, "member").await.of(200);
    assert_eq!(changed["membership_id"], member["membership_id"]);
    seen.get("/registration-tokens").await.problem(403, "forbidden");
    team.removes(&deploy.email).await.of(202);
    seen.get("/nodes").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_machine_client_is_a_principal_of_its_own() {
    let service = Service::start().await;
    let ci = service.api.client("ci").await;
    let members = ci.makes_a_team().await.members().await;
    assert_eq!(
        (&members[0]["principal"], &members[0]["email"]),
        (&json!("client:ci"), &Value::Null)
    );
}
