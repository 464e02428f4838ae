//! Fields that are left out, or `null`, which is the same.

use serde_json::{Map, Value, json};

use super::Scene;
use super::calls::{ADD_MEMBER, CREATE_TEAM, CREATE_TOKEN, REGISTER_NODE, SELF_ENROLL, SET_ROLE};

#[tokio::test]
async fn a_field_that_must_be_there_is_asked_for() {
    let scene = Scene::set().await;
    let required = [
        (CREATE_TEAM, "name"),
        (ADD_MEMBER, "role"),
        (SET_ROLE, "role"),
        (CREATE_TOKEN, "name"),
        (REGISTER_NODE, "hostname"),
    ];
    for (call, field) in required {
        let at = format!("/{field}");
        scene.invalid(call.name, &call.without(&scene, field), &[&at]).await;
        scene.invalid(call.name, &call.with(&scene, field, Value::Null), &[&at]).await;
    }
    for (call, at) in [
        (CREATE_TEAM, &["/name"][..]),
        (ADD_MEMBER, &["/role", "/email"]),
        (SET_ROLE, &["/role"]),
        (CREATE_TOKEN, &["/name"]),
        (REGISTER_NODE, &["/hostname"]),
    ] {
        for nothing in ["{}", "", " \r\n\t"] {
            let request = (call.request)(&scene).body(nothing);
            scene.invalid(call.name, &request, at).await;
        }
    }
}

#[tokio::test]
async fn null_is_the_same_as_left_out() {
    let scene = Scene::set().await;
    let token = json!({"name": "x", "max_uses": null, "expires_at": null, "allowed_kinds": null});
    let made = (CREATE_TOKEN.request)(&scene).json(&token).send().await.of(201);
    for field in ["max_uses", "expires_at", "allowed_kinds"] {
        assert_eq!(made[field], Value::Null, "{field}");
    }
    let unnamed = [json!({"name": null}), json!({})];
    for body in unnamed {
        let made = (SELF_ENROLL.request)(&scene).json(&body).send().await.of(201);
        assert_eq!(made["name"], "Self-enrolled device");
    }
    let empty = (SELF_ENROLL.request)(&scene).send().await.of(201);
    assert_eq!(empty["name"], "Self-enrolled device");

    let full = REGISTER_NODE.takes(&scene, "hostname", "web-2".into()).await.registered("created");
    let fields = ["name", "ip_address", "kind", "group", "tags", "meta", "os"];
    let nulls: Map<_, _> =
        fields.map(|field| (field.to_owned(), Value::Null)).into_iter().collect();
    let api = &scene.service.api;
    let mut report = Value::Object(nulls);
    report["hostname"] = "web-2".into();
    let again = api.register(&scene.made, report.clone()).send().await;
    assert_eq!(again.registered("unchanged"), full);
    report["hostname"] = "web-3".into();
    let bare = api.register(&scene.made, report).send().await.of(201);
    assert_eq!((&bare["kind"], &bare["group"]), (&json!("server"), &json!("default")));
    assert_eq!((&bare["tags"], &bare["meta"]), (&json!([]), &Value::Null));
}
