//! What a caller reads when it is not the caller's fault.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_tests::world::World;
use serde_json::json;

use crate::support::invoke::Invocation;

#[tokio::test]
async fn where_nothing_gets_through_the_answer_is_busy_and_when_to_come_again() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let body = json!({"token": token.expose().as_str(), "hostname": "web-1"});
    // From its first write on, nothing passes.
    world.wire.cut_after(0);
    let register = Invocation::of("register-node", &world).body(&body).run(&world);
    let list = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Invocation::of("list-nodes", &world).run(&world).await
    };
    let (register, list) = futures_util::future::join(register, list).await;
    for busy in [register, list] {
        assert_eq!((busy.status, &busy.body["code"]), (503, &json!("busy")));
        assert_eq!(busy.headers["retry-after"], "1");
        assert_eq!(busy.headers["content-type"], "application/problem+json");
        assert!(busy.body["detail"].as_str().unwrap().contains("Retry-After"));
    }
    assert!(world.wire.mend() && world.contents().await.nodes().is_empty());
    let again = Invocation::of("register-node", &world).body(&body).run(&world).await;
    assert_eq!(again.status, 201, "repeating it is safe");
}

#[tokio::test]
async fn of_a_fault_inside_the_caller_reads_nothing() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let client = world.engine.client();
    let broken = client
        .update_item()
        .table_name(world.engine.table())
        .key("pk", AttributeValue::S(format!("TEAM#{}#TOKENS", world.team)))
        .key("sk", AttributeValue::S(format!("TOKEN#{}", token.token())))
        .update_expression("SET #name = :name")
        .expression_attribute_names("#name", "name")
        .expression_attribute_values(":name", AttributeValue::S("a\nb".to_owned()));
    broken.send().await.unwrap();
    let body = json!({"token": token.expose().as_str(), "hostname": "web-1"});
    let calls = [
        Invocation::of("register-node", &world).body(&body),
        Invocation::of("list-tokens", &world),
        Invocation::of("get-token", &world).at("token_id", &token.token().to_string()),
    ];
    for call in calls {
        let fault = call.run(&world).await;
        let expected = json!({
            "type": "urn:muster:problem:internal",
            "title": "Something is wrong with the service",
            "status": 500,
            "code": "internal",
            "detail": "Send the request again later; if it goes on, give the request id to the operator.",
            "request_id": "id",
        });
        assert_eq!((fault.status, fault.body), (500, expected));
    }
}
