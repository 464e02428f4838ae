//! Paths that name nothing, because what stands in them is not even of its form.

use lambda_http::http::Method;
use serde_json::{Value, json};

use super::Scene;
use crate::support::api::encoded;

/// Texts that are no id with this prefix. The prefix says what they are not.
fn no_id(prefix: &str) -> Vec<String> {
    let mut texts: Vec<_> =
        ["", "a", "aaaaaaaaaaaa", "aaaaaaaaaaaaaa", "AAAAAAAAAAAAA", "aaaaaaaaaaaa1"]
            .map(|body| format!("{prefix}{body}"))
            .into();
    texts.extend([
        // The last of 13 characters has one bit that must be zero.
        format!("{prefix}aaaaaaaaaaaab"),
        format!("{prefix}aaaaaaaaaaaa\u{0}"),
        format!("{prefix}aaaaaaaaaaaaa\n"),
        format!(" {prefix}aaaaaaaaaaaaa"),
        prefix.to_uppercase() + "aaaaaaaaaaaaa",
        "a".repeat(3_000),
    ]);
    let other = ["team_", "tok_", "node_", "mem_"].iter().filter(|other| **other != prefix);
    texts.extend(other.map(|other| format!("{other}aaaaaaaaaaaaa")));
    let odd = [
        "%",
        "..",
        "#",
        "?",
        "/",
        "\\",
        "\u{0}",
        "\u{e4}",
        "\u{1f4a9}",
        "'",
        "TEAM#x",
        "{team_id}",
    ];
    texts.extend(odd.map(str::to_owned));
    texts
}

#[tokio::test]
async fn a_team_or_token_id_that_is_none_names_nothing() {
    let scene = Scene::set().await;
    let role = json!({"role": "member"});
    let calls = |team: &str, token: &str| {
        let team = format!("/api/teams/{}", encoded(team));
        let token = format!("{team}/registration-tokens/{}", encoded(token));
        let tokens = format!("{team}/registration-tokens");
        vec![
            (Method::GET, token.clone(), Value::Null),
            (Method::DELETE, token, Value::Null),
            (Method::GET, tokens.clone(), Value::Null),
            (Method::POST, tokens, json!({"name": "x"})),
            (Method::GET, format!("{team}/members"), Value::Null),
            (
                Method::POST,
                format!("{team}/members"),
                json!({"email": "a@b.example", "role": "member"}),
            ),
            (Method::PATCH, format!("{team}/members/a%40b.example"), role.clone()),
            (Method::DELETE, format!("{team}/members/a%40b.example"), Value::Null),
            (Method::GET, format!("{team}/removals"), Value::Null),
            (Method::POST, format!("{team}/self-enroll"), json!({})),
            (Method::GET, format!("{team}/nodes"), Value::Null),
            (Method::DELETE, format!("{team}/nodes/web-1"), Value::Null),
        ]
    };
    for text in no_id("team_") {
        for (method, path, body) in calls(&text, "tok_aaaaaaaaaaaaa") {
            let why = format!("{method} {text:?}");
            let request = scene.team.who.request(method, &path).json(&body);
            scene.refused(&why, &request).await.problem(404, "not-found");
        }
    }
    for text in no_id("tok_").into_iter().filter(|text| !text.is_empty()) {
        for (method, path, _) in calls(&scene.team.id, &text).into_iter().take(2) {
            let request = scene.team.who.request(method, &path);
            scene.refused(&text, &request).await.problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_member_or_hostname_that_is_none_names_nothing() {
    let scene = Scene::set().await;
    for text in no_id("mem_") {
        for method in [Method::PATCH, Method::DELETE] {
            let path = format!("/members/{}", encoded(&text));
            let request = scene.team.request(method, &path).json(&json!({"role": "member"}));
            scene.refused(&text, &request).await.problem(404, "not-found");
        }
    }
    let hosts =
        ["-", ".", "web 1", "web-1\u{0}", "web..1", "w\u{e4}b", "NODE#web-1", "web-1/x", "*"];
    for text in hosts.into_iter().chain([&*"a".repeat(254)]) {
        let request = scene.team.request(Method::DELETE, &format!("/nodes/{}", encoded(text)));
        scene.refused(text, &request).await.problem(404, "not-found");
    }
    scene.team.delete("/nodes/WEB-1.").await.of(204);
}
