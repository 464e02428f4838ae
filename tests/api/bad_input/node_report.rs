//! What a machine may say of itself.

use serde_json::{Value, json};

use super::Scene;
use super::calls::REGISTER_NODE;
use super::values::{no_label, no_name, no_text};

#[tokio::test]
async fn a_hostname_that_is_none_enters_nothing() {
    let scene = Scene::set().await;
    let mut values = no_text();
    let texts = [
        "",
        " ",
        ".",
        "..",
        "-",
        "-web",
        ".web",
        "web..1",
        "web 1",
        "web\n1",
        "web-1\n",
        "web\u{0}1",
        "\u{0}",
        "web/1",
        "web:1",
        "web#1",
        "web@1",
        "web,1",
        "w\u{e4}b",
        "\u{ff57}eb",
        "web\u{200b}",
        "web-1..",
        "*",
        "[::1]",
        "web%2d1",
        "NODE#web-1",
        "'",
        "$(id)",
    ];
    values.extend(texts.map(Value::from));
    values.push("a".repeat(254).into());
    values.push(format!("{}a", "a.".repeat(20_000)).into());
    REGISTER_NODE.refuses(&scene, "hostname", values).await;
    let longest = "a".repeat(253);
    let node = REGISTER_NODE.takes(&scene, "hostname", format!("{longest}.").into()).await.of(201);
    assert_eq!(node["hostname"], longest);
}

#[tokio::test]
async fn a_name_or_system_that_is_none_is_not_kept() {
    let scene = Scene::set().await;
    for field in ["name", "os"] {
        REGISTER_NODE.refuses(&scene, field, no_name(100)).await;
    }
    for field in ["name", "os"] {
        let longest = "\u{e4}".repeat(100);
        let node = REGISTER_NODE.takes(&scene, field, longest.as_str().into()).await;
        assert_eq!(node.of(if field == "name" { 201 } else { 200 })[field], longest);
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_not_kept() {
    let scene = Scene::set().await;
    let mut values = no_text();
    let texts = [
        "",
        " ",
        "0",
        "1.2.3",
        "1.2.3.4.5",
        "256.0.0.1",
        "1.2.3.4/24",
        "1.2.3.4:80",
        "01.2.3.4",
        "0x7f.0.0.1",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\u{0}",
        ":::",
        "::g",
        "[::1]",
        "::1/128",
        "fe80::1%eth0",
        "1.2.3.4, 5.6.7.8",
        "localhost",
        "web-1",
        "\u{661}.2.3.4",
    ];
    values.extend(texts.map(Value::from));
    values.push("1".repeat(20_000).into());
    REGISTER_NODE.refuses(&scene, "ip_address", values).await;
}

#[tokio::test]
async fn a_kind_or_group_that_is_none_is_not_made() {
    let scene = Scene::set().await;
    for field in ["kind", "group"] {
        REGISTER_NODE.refuses(&scene, field, no_label()).await;
    }
    let longest = "a".repeat(64);
    let node = REGISTER_NODE.takes(&scene, "group", longest.as_str().into()).await;
    assert_eq!(node.of(201)["group"], longest);
}

#[tokio::test]
async fn tags_that_are_none_are_not_kept() {
    let scene = Scene::set().await;
    let numbered = |count: usize| -> Value { (0..count).map(|n| format!("tag-{n}")).collect() };
    let lists = [json!("prod"), json!(7), json!(true), json!({}), json!({"0": "prod"})];
    let sizes = [numbered(51), vec!["prod"; 51].into(), numbered(4_000)];
    REGISTER_NODE.refuses(&scene, "tags", lists.into_iter().chain(sizes).collect()).await;
    let mut inside = vec![(json!([null]), "/0"), (json!(["a", ["b"]]), "/1")];
    for value in no_name(64) {
        inside.push((json!(["prod", value]), "/1"));
    }
    REGISTER_NODE.refuses_inside(&scene, "tags", inside).await;
    let mut all = numbered(49);
    all.as_array_mut().unwrap().push("\u{e4}".repeat(64).into());
    assert_eq!(REGISTER_NODE.takes(&scene, "tags", all.clone()).await.of(201)["tags"], all);
}

#[tokio::test]
async fn facts_that_are_no_object_or_too_many_are_not_kept() {
    let scene = Scene::set().await;
    let of_size = |bytes: usize| json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())});
    let values = [json!("{}"), json!(7), json!(true), json!([]), json!([{}]), json!("")];
    let too_large = [of_size(16 * 1024 + 1), of_size(60_000), json!({"a": vec![0; 10_000]})];
    REGISTER_NODE.refuses(&scene, "meta", values.into_iter().chain(too_large).collect()).await;
    let node = REGISTER_NODE.takes(&scene, "meta", of_size(16 * 1024)).await.of(201);
    assert_eq!(node["meta"], of_size(16 * 1024));
}

#[tokio::test]
async fn facts_come_back_as_they_were_given() {
    let scene = Scene::set().await;
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({"in": [deep]});
        if deep.to_string().len() > 500 {
            break;
        }
    }
    let facts = [
        json!({}),
        json!({"": {"": [null, true, -1, 0.1, 1e300, "", "\u{0}", "\u{1f4a9}"]}}),
        json!({"big": 18_446_744_073_709_551_615_u64, "small": i64::MIN, "a/b~c": 1}),
        deep,
    ];
    for given in facts {
        let node = REGISTER_NODE.takes(&scene, "meta", given.clone()).await;
        let node: Value = serde_json::from_str(&node.text).unwrap();
        assert_eq!(node["meta"], given);
        let listed = scene.team.nodes("q=web-2").await;
        assert_eq!(listed[0]["meta"], given);
    }
}

#[tokio::test]
async fn a_token_that_is_no_text_is_refused_and_one_that_is_none_is_unknown() {
    let scene = Scene::set().await;
    REGISTER_NODE.refuses(&scene, "token", no_text()).await;
    let good = scene.made.plaintext.clone();
    let mut forged = good.clone().into_bytes();
    forged[40] = if forged[40] == b'a' { b'b' } else { b'a' };
    let forged = String::from_utf8(forged).unwrap();
    let texts = [
        "",
        " ",
        "enrt_",
        "x",
        &forged,
        &good.to_uppercase(),
        &format!(" {good}"),
        &format!("{good} "),
        &good[1..],
        &good[..68],
        &format!("{good}a"),
        &good.replace("enrt_", "enrt-"),
        "\u{0}",
        "\u{e4}",
    ];
    for text in texts {
        let request = REGISTER_NODE.with(&scene, "token", text.into());
        scene.refused(text, &request).await.problem(401, "invalid-token");
    }
}
