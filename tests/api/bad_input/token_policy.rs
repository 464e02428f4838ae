//! What a token may be asked for.

use serde_json::{Value, json};

use super::Scene;
use super::calls::{CREATE_TEAM, CREATE_TOKEN, SELF_ENROLL};
use super::values::{no_label, no_name};

#[tokio::test]
async fn a_name_that_is_none_names_nothing() {
    let scene = Scene::set().await;
    for call in [CREATE_TEAM, CREATE_TOKEN, SELF_ENROLL] {
        call.refuses(&scene, "name", no_name(100)).await;
    }
    for call in [CREATE_TEAM, CREATE_TOKEN, SELF_ENROLL] {
        let longest = "\u{1f4a9}".repeat(100);
        let answer = call.takes(&scene, "name", longest.as_str().into()).await;
        assert_eq!(answer.of(201)["name"], longest, "100 characters, not bytes");
    }
}

#[tokio::test]
async fn a_limit_of_uses_that_is_none_limits_nothing_by_accident() {
    let scene = Scene::set().await;
    let values = [
        "0",
        "-0",
        "-1",
        "0.5",
        "1.5",
        "1e-3",
        "-1e3",
        "1e7",
        "1000001",
        "1000000.5",
        "4294967297",
        "18446744073709551616",
        "1e300",
        "-1e300",
        "true",
        "false",
        "\"\"",
        "\"5\"",
        "\"unlimited\"",
        "[]",
        "[5]",
        "{}",
    ];
    let values = values.map(|text| serde_json::from_str(text).unwrap()).to_vec();
    CREATE_TOKEN.refuses(&scene, "max_uses", values).await;
    for limit in [1, 128, 129, 1_000_000] {
        let answer = CREATE_TOKEN.takes(&scene, "max_uses", limit.into()).await;
        assert_eq!(answer.of(201)["max_uses"], limit);
    }
    for (spelled, limit) in [("50.0", 50), ("1e3", 1_000), ("1.5E1", 15), ("1e6", 1_000_000)] {
        let spelled = serde_json::from_str(spelled).unwrap();
        let answer = CREATE_TOKEN.takes(&scene, "max_uses", spelled).await;
        assert_eq!(answer.of(201)["max_uses"], limit);
    }
}

#[tokio::test]
async fn an_expiry_that_is_no_time_to_come_is_refused() {
    let scene = Scene::set().await;
    let mut values: Vec<Value> = vec![json!(0), json!(1_900_000_000), json!(-1), json!(2e9)];
    values.extend([json!(true), json!([]), json!({}), json!(["2199-01-01T00:00:00Z"])]);
    let texts = [
        "",
        " ",
        "0",
        "never",
        "tomorrow",
        "7d",
        "4102444800",
        "2199-01-01",
        "2199-01-01T00:00:00",
        "2199-01-01 00:00",
        "2199-02-30T00:00:00Z",
        "2199-13-01T00:00:00Z",
        "2199-01-01T25:00:00Z",
        "2199-01-01T00:00:00+25:00",
        "2199-01-01T00:00:00Z ",
        " 2199-01-01T00:00:00Z",
        "2199-01-01T00:00:00Z\u{0}",
        "12199-01-01T00:00:00Z",
        "-2199-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "\u{661}999-01-01T00:00:00Z",
    ];
    values.extend(texts.map(Value::from));
    values.push("2199-01-01T00:00:00Z".repeat(1_000).into());
    CREATE_TOKEN.refuses(&scene, "expires_at", values).await;
    let answer = CREATE_TOKEN.takes(&scene, "expires_at", "9999-12-31T23:59:59Z".into()).await;
    assert_eq!(answer.of(201)["expires_at"], "9999-12-31T23:59:59Z");
}

#[tokio::test]
async fn kinds_that_are_none_admit_nothing() {
    let scene = Scene::set().await;
    let numbered = |count: usize| -> Value { (0..count).map(|n| format!("kind-{n}")).collect() };
    let lists = [json!("server"), json!(7), json!(true), json!({}), json!({"0": "server"})];
    let sizes = [json!([]), numbered(17), vec!["server"; 17].into(), numbered(3_000)];
    CREATE_TOKEN.refuses(&scene, "allowed_kinds", lists.into_iter().chain(sizes).collect()).await;
    let mut inside = vec![(json!(["server", null]), "/1"), (json!([["server"]]), "/0")];
    for label in no_label() {
        inside.push((json!(["pod", "server", label]), "/2"));
    }
    CREATE_TOKEN.refuses_inside(&scene, "allowed_kinds", inside).await;
    let answer = CREATE_TOKEN.takes(&scene, "allowed_kinds", numbered(16)).await;
    assert_eq!(answer.of(201)["allowed_kinds"], numbered(16));
}
