//! What requests count.

use std::collections::BTreeSet;

use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::role::Role;
use muster_shared::metrics::{CODE, Metric};
use muster_tests::wire::Sent;
use muster_tests::world::{World, key};
use serde_json::{Value, json};

use super::lines::{Lines, STACK};
use crate::support::invoke::{Done, Invocation};

fn is_transaction(sent: &Sent) -> bool {
    sent.operation == "TransactWriteItems"
}

async fn register(world: &World, token: &Plaintext, host: &str) -> Done {
    let body = json!({ "token": token.expose().as_str(), "hostname": host });
    Invocation::of("register-node", world).body(&body).run(world).await
}

#[tokio::test]
async fn an_enrollment_is_counted_and_its_repeat_is_not() {
    let world = World::calm().await;
    let token = world.token(Some(5)).await;
    let lines = Lines::of_the_stack();
    register(&world, &token, "web-1").await;
    assert_eq!(lines.told(), ["Enrollments 1", "ReadUnits 3", "WriteUnits 4"]);
    register(&world, &token, "web-1").await;
    assert_eq!(lines.told(), ["ReadUnits 3"]);
    let another = world.token(None).await;
    lines.text();
    register(&world, &another, "web-1").await;
    assert_eq!(lines.told(), ["Enrollments 1", "ReadUnits 3", "WriteUnits 4"]);
}

#[tokio::test]
async fn an_enrollment_whose_answer_was_lost_is_counted_once() {
    let world = World::calm().await;
    let (first, second) = (world.token(Some(5)).await, world.token(Some(5)).await);
    for (token, status) in [(&first, 201), (&second, 200)] {
        let lines = Lines::of_the_stack();
        world.wire.lose_answer(is_transaction);
        assert_eq!(register(&world, token, "web-1").await.status, status);
        // The same was sent again, and is what the engine says it consumed.
        assert_eq!(lines.told(), ["Enrollments 1", "ReadUnits 3", "WriteUnits 4"]);
        let contents = world.contents().await;
        assert_eq!(contents.uses(&token.token().to_string()), 1);
    }
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_no_enrollment() {
    let world = World::calm().await;
    let token = world.token(Some(5)).await;
    register(&world, &token, "web-1").await;
    let lines = Lines::of_the_stack();
    world.wire.lose_answer(|sent| sent.operation == "PutItem");
    let change = json!({"token": token.expose().as_str(), "hostname": "web-1", "os": "Debian"});
    let done = Invocation::of("register-node", &world).body(&change).run(&world).await;
    assert_eq!(done.status, 200);
    assert_eq!(lines.told(), ["ReadUnits 3"]);
}

#[tokio::test]
async fn in_bad_weather_as_many_enrollments_are_counted_as_uses_passed_the_gates() {
    for seed in 1..=3 {
        let world = World::stormy(seed).await;
        let tokens = [world.token(Some(100)).await, world.token(None).await];
        let lines = Lines::of_the_stack();
        for token in &tokens {
            for host in ["web-1", "web-2", "web-3", "web-4", "web-1"] {
                assert!(register(&world, token, host).await.status < 300, "no deadline was met");
            }
        }
        let data = lines.data();
        let counted = data.iter().filter(|datum| datum.metric == Metric::Enrollments);
        let counted: f64 = counted.map(|datum| datum.value).sum();
        world.wire.set_faults(None);
        let contents = world.contents().await;
        let uses: u64 = tokens.iter().map(|token| contents.uses(&token.token().to_string())).sum();
        assert_eq!((format!("{counted}"), uses), ("8".to_owned(), 8), "seed {seed}");
    }
}

#[tokio::test]
async fn a_conflict_is_counted_and_throttling_is_not() {
    let world = World::calm().await;
    let token = world.token(Some(5)).await;
    let lines = Lines::of_the_stack();
    world.wire.cancel(&["TransactionConflict"], is_transaction);
    world.wire.cancel(&["TransactionConflict"], is_transaction);
    world.wire.cancel(&["ThrottlingError"], is_transaction);
    register(&world, &token, "web-1").await;
    let told = lines.told();
    assert_eq!(told, ["Enrollments 1", "ConflictRetries 2", "ReadUnits 12", "WriteUnits 4"]);
}

#[tokio::test]
async fn a_refusal_is_counted_by_its_code_too() {
    let world = World::calm().await;
    let token = world.token(Some(1)).await;
    register(&world, &token, "web-1").await;
    let lines = Lines::of_the_stack();
    let refused = register(&world, &token, "web-2").await;
    assert_eq!(refused.body["code"], "token-exhausted");
    let refusals: Vec<_> =
        lines.data().into_iter().filter(|datum| datum.metric == Metric::Refusals).collect();
    let stack = ("Stack".to_owned(), STACK.to_owned());
    let code = (CODE.to_owned(), "token-exhausted".to_owned());
    let dimensions: Vec<_> = refusals.iter().map(|datum| datum.dimensions.clone()).collect();
    assert_eq!(dimensions, [vec![stack.clone()], vec![stack, code]]);
    assert!(refusals.iter().all(|datum| datum.value.to_bits() == 1_f64.to_bits()));
}

#[tokio::test]
async fn a_request_is_one_line_and_one_that_is_the_service_s_fault_is_no_refusal() {
    let world = World::calm().await;
    let lines = Lines::of_the_stack();
    Invocation::of("list-nodes", &world).run(&world).await;
    let told = lines.lines();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["message"], &told[0]["status"]), (&json!("request"), &json!(200)));
    assert_eq!(told[0]["timestamp"], "2030-03-17T17:46:40.123Z");

    world.wire.cut_after(0);
    let body = json!({ "name": "Busy" });
    let busy = Invocation::of("create-team", &world).body(&body).run(&world).await;
    assert_eq!(busy.status, 503);
    assert!(lines.told().is_empty());
}

#[tokio::test]
async fn without_a_stack_there_are_no_metrics() {
    let world = World::calm().await;
    let token = world.token(Some(5)).await;
    let lines = Lines::of_no_stack();
    register(&world, &token, "web-1").await;
    let told = lines.lines();
    assert_eq!((told.len(), &told[0]["Enrollments"]), (1, &json!(1)));
    assert!(told[0].get("_aws").is_none() && told[0].get("Stack").is_none());
}

/// Whatever callers send, no line has anything of a plaintext, and the values of dimensions are the
/// stack's name and the codes of problems.
#[tokio::test]
async fn what_callers_send_is_in_no_line_and_in_no_dimension() {
    let world = World::calm().await;
    let bob = world.join("bob@example.com", Role::Member).await;
    let tokens = [world.token(Some(1)).await, world.self_enroll(&bob).await.unwrap()];
    world.register(&tokens[1], "laptop", key(1)).await.unwrap();
    let lines = Lines::of_the_stack();
    let mut codes = BTreeSet::new();
    let mut text = String::new();
    for token in &tokens {
        let plaintext = token.expose();
        let secret = plaintext.as_str();
        for field in ["hostname", "name", "kind", "group", "os", "meta", "tags", secret] {
            let mut body = json!({ "token": secret, "hostname": "web-1" });
            body[field] = secret.into();
            let done = Invocation::of("register-node", &world).body(&body).run(&world).await;
            codes.extend(done.body["code"].as_str().map(str::to_owned));
        }
        let body = json!({ "token": secret[..68], "hostname": "web-1" });
        let done = Invocation::of("register-node", &world).body(&body).run(&world).await;
        codes.extend(done.body["code"].as_str().map(str::to_owned));
        for (function, at) in [("remove-node", "hostname"), ("revoke-token", "token_id")] {
            let done = Invocation::of(function, &world).at(at, secret).run(&world).await;
            codes.extend(done.body["code"].as_str().map(str::to_owned));
        }
        let query = format!("q={secret}&{secret}=1&cursor={secret}");
        let done = Invocation::of("list-nodes", &world).query(&query).run(&world).await;
        codes.extend(done.body["code"].as_str().map(str::to_owned));
        text += &lines.text();
    }
    for token in &tokens {
        let plaintext = token.expose();
        // The secret begins at bit 128, in the 26th character after the prefix.
        let secret = &plaintext["enrt_".len() + 26..];
        assert!(!text.contains(secret) && !text.contains("enrt_"), "{text}");
    }
    assert!(!text.contains("web-1") && !text.contains("laptop"), "{text}");
    let requests = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let data: Vec<_> = requests.flat_map(|line| super::emf::data(&line)).collect();
    let of = |name: &str| -> BTreeSet<_> {
        let dimensions = data.iter().flat_map(|datum| &datum.dimensions);
        dimensions.filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    };
    assert_eq!(of("Stack"), BTreeSet::from([STACK.to_owned()]));
    assert_eq!(of(CODE), codes);
    assert!(codes.len() > 2, "{codes:?}");
}
