//! Query parameters that are not what they must be.

use super::Scene;
use crate::support::api::encoded;

/// The lists of a team, and of a person.
fn lists(scene: &Scene) -> [String; 5] {
    let team = |list: &str| format!("/api/teams/{}/{list}", scene.team.id);
    [
        "/api/teams".to_owned(),
        team("members"),
        team("removals"),
        team("registration-tokens"),
        team("nodes"),
    ]
}

async fn refuses(scene: &Scene, path: &str, name: &str, values: &[&str]) {
    let at = format!("?{name}");
    for value in values {
        let path = format!("{path}?{name}={}", encoded(value));
        scene.invalid(&path, &scene.team.who.get(&path), &[&at]).await;
    }
}

#[tokio::test]
async fn a_limit_that_is_none_is_refused() {
    let scene = Scene::set().await;
    let values = [
        "",
        "0",
        "-1",
        "101",
        "1000",
        "1.5",
        "1e1",
        "0x10",
        " 5",
        "5 ",
        "five",
        "null",
        "18446744073709551616",
        "\u{0}",
        "\u{665}",
        "5,6",
        "[5]",
    ];
    for list in lists(&scene) {
        refuses(&scene, &list, "limit", &values).await;
        for good in ["1", "100"] {
            scene.team.who.get(&format!("{list}?limit={good}")).send().await.of(200);
        }
    }
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let scene = Scene::set().await;
    let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let made_up = [
        part("\"web-1\""),
        part("{}"),
        part("null"),
        part(&format!("{}1{}", "[".repeat(500), "]".repeat(500))),
        part(r#"["nodes", "not a host"]"#),
        part(r#"["tokens", {"sort": "name", "order": "asc"}]"#),
        format!("{}=", part("[]")),
        "A".repeat(4_000),
    ];
    let mut values = vec!["", " ", "a", "====", "\u{0}", "\u{e4}", "web-1", "null"];
    values.extend(made_up.iter().map(String::as_str));
    for list in lists(&scene) {
        refuses(&scene, &list, "cursor", &values).await;
    }
}

#[tokio::test]
async fn a_filter_or_order_that_is_none_is_refused() {
    let scene = Scene::set().await;
    let [.., tokens, nodes] = lists(&scene);
    let words = ["", " ", "Active", "ACTIVE", "online ", "any", "\u{0}", "active,revoked", "1"];
    refuses(&scene, &tokens, "status", &[&words[..], &["online", "offline"]].concat()).await;
    refuses(&scene, &nodes, "status", &[&words[..], &["active", "revoked"]].concat()).await;
    refuses(&scene, &tokens, "sort", &["", "date", "Name", "id", "-name", "name,id", "\u{0}"])
        .await;
    refuses(&scene, &tokens, "order", &["", "ASC", "up", "ascending", "1", "\u{0}"]).await;
    let labels = ["", " ", "Web", "-web", "w b", "w\u{e4}b", "web,db", "\u{0}", &"a".repeat(65)];
    refuses(&scene, &nodes, "group", &labels).await;
    refuses(&scene, &nodes, "kind", &labels).await;
    refuses(&scene, &nodes, "tag", &["", " ", "a\nb", "\u{0}", &"a".repeat(65)]).await;
    let ids = ["", "web-1", "tok_", "tok_AAAAAAAAAAAAA", "tok_aaaaaaaaaaaab", "team_aaaaaaaaaaaaa"];
    refuses(&scene, &nodes, "token_id", &ids).await;
    for list in [&tokens, &nodes] {
        refuses(&scene, list, "q", &["", &"a".repeat(101), &"\u{e4}".repeat(101)]).await;
        let longest = encoded(&"\u{e4}".repeat(100));
        scene.team.who.get(&format!("{list}?q={longest}")).send().await.of(200);
    }
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_or_that_stands_twice_is_refused() {
    let scene = Scene::set().await;
    for list in lists(&scene) {
        for query in
            ["colour=red", "Limit=5", "limit%20=5", "=", "a", "limit[]=5", "%00=1", "%ff=1"]
        {
            let path = format!("{list}?{query}");
            scene.invalid(&path, &scene.team.who.get(&path), &["?"]).await;
        }
        for query in ["limit=5&limit=5", "limit=5&limit=6", "limit=5&%6cimit=6"] {
            let path = format!("{list}?{query}");
            scene.invalid(&path, &scene.team.who.get(&path), &["?"]).await;
        }
        let answer = scene.team.who.get(&format!("{list}?surprising-name=1")).send().await;
        answer.problem(400, "invalid-request");
        assert!(!answer.text.contains("surprising-name"));
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named_at_once() {
    let scene = Scene::set().await;
    let [.., tokens, nodes] = lists(&scene);
    let query = "limit=0&cursor=x&status=x&q=&sort=x&order=x&x=1";
    let at = ["?limit", "?cursor", "?status", "?q", "?sort", "?order", "?"];
    scene.invalid("tokens", &scene.team.who.get(&format!("{tokens}?{query}")), &at).await;
    let query = "limit=0&cursor=x&token_id=x&group=X&kind=X&tag=&status=x&q=&x=1";
    let at = ["?limit", "?cursor", "?token_id", "?group", "?kind", "?tag", "?status", "?q", "?"];
    scene.invalid("nodes", &scene.team.who.get(&format!("{nodes}?{query}")), &at).await;
}
