//! Who may be asked to be a member, and as what.

use serde_json::{Value, json};

use super::Scene;
use super::calls::{ADD_MEMBER, SET_ROLE};
use super::values::no_text;

fn no_address() -> Vec<Value> {
    let mut values = no_text();
    let texts = [
        "",
        " ",
        "@",
        "a",
        "a@",
        "@b",
        "a@b@c",
        "a b@example.com",
        "a@exa mple.com",
        "a\n@example.com",
        "a\u{0}@example.com",
        "\u{e4}@example.com",
        "a@ex\u{e4}mple.com",
        "\u{212a}@example.com",
        "a@example.com,b@example.com",
        "Bob <bob@example.com>",
        "a@example.com\u{0}",
        "tok_aaaaaaaaaaaaa",
        "mem_aaaaaaaaaaaaa",
    ];
    values.extend(texts.map(Value::from));
    values.push(format!("{}@example.com", "a".repeat(250)).into());
    values
}

#[tokio::test]
async fn an_address_that_is_none_is_nobodys() {
    let scene = Scene::set().await;
    let mut values = no_address();
    values.push("client:ci".into());
    ADD_MEMBER.refuses(&scene, "email", values).await;
    let longest = format!("{}@example.com", "a".repeat(254 - 12));
    ADD_MEMBER.takes(&scene, "email", longest.into()).await;
}

#[tokio::test]
async fn a_principal_that_is_none_is_nobody() {
    let scene = Scene::set().await;
    let mut values = no_address();
    values.extend(
        ["client:", "client: ", "client:a b", "client:\u{e4}", "client:a\u{0}"].map(Value::from),
    );
    values.push(format!("client:{}", "a".repeat(129)).into());
    for value in values {
        let why = format!("principal = {value}");
        let body = json!({"principal": value, "role": "member"});
        let request = (ADD_MEMBER.request)(&scene).json(&body);
        scene.invalid(&why, &request, &["/principal"]).await;
    }
    let body = json!({"principal": format!("client:{}", "a".repeat(128)), "role": "member"});
    (ADD_MEMBER.request)(&scene).json(&body).send().await.of(201);
}

#[tokio::test]
async fn a_member_is_named_once() {
    let scene = Scene::set().await;
    let both = ADD_MEMBER.with(&scene, "principal", "other@example.com".into());
    scene.invalid("both", &both, &["/email"]).await;
    let same = ADD_MEMBER.with(&scene, "principal", "new@example.com".into());
    scene.invalid("both, the same", &same, &["/email"]).await;
    scene.invalid("neither", &ADD_MEMBER.without(&scene, "email"), &["/email"]).await;
    let null = ADD_MEMBER.with(&scene, "email", Value::Null);
    scene.invalid("neither, null", &null, &["/email"]).await;
}

#[tokio::test]
async fn a_role_that_is_none_is_given_to_nobody() {
    let scene = Scene::set().await;
    let mut values = no_text();
    for text in ["", " ", "Owner", "OWNER", "root", "owner ", "owner\u{0}", "owner,admin", "0"] {
        values.push(text.into());
    }
    values.push("owner".repeat(10_000).into());
    for call in [ADD_MEMBER, SET_ROLE] {
        call.refuses(&scene, "role", values.clone()).await;
    }
}
