//! Bodies that are no JSON object with each known field once, or too large.

use serde_json::Value;

use super::Scene;
use super::calls::{REGISTER_NODE, TAKING};

/// Bytes that a body may have.
const LIMIT: usize = 64 * 1024;

/// Bodies that no call can read.
fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{{\"name\": {}1{}}}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    let texts = [
        ("an unfinished object", "{"),
        ("an unfinished text", "{\"name\": \"a"),
        ("only a closing brace", "}"),
        ("no JSON", "name=sample"),
        ("a list", "[]"),
        ("a list of objects", "[{}]"),
        ("a list of one body", "[{\"name\": \"sample\"}]"),
        ("a text", "\"{}\""),
        ("a number", "7"),
        ("null", "null"),
        ("true", "true"),
        ("more than one object", "{}{}"),
        ("something after the object", "{} x"),
        ("a comma too many", "{\"name\": \"sample\",}"),
        ("single quotes", "{'name': 'sample'}"),
        ("a comment", "{} // x"),
        ("NaN", "{\"name\": NaN}"),
        ("a number out of range", "{\"name\": 1e999}"),
        ("half a surrogate pair", "{\"name\": \"\\ud800\"}"),
        ("a raw line break in a text", "{\"name\": \"a\nb\"}"),
        ("a raw NUL in a text", "{\"name\": \"a\u{0}b\"}"),
        ("a NUL", "\u{0}"),
        ("a NUL at the end", "{}\u{0}"),
        ("a byte order mark", "\u{feff}{}"),
        ("a name that is no text", "{1: 2}"),
    ];
    let mut bodies: Vec<_> =
        texts.into_iter().map(|(why, text)| (why, text.as_bytes().to_vec())).collect();
    bodies.extend([
        ("invalid UTF-8", b"\xff\xfe".to_vec()),
        ("invalid UTF-8 in a text", b"{\"name\": \"\xff\"}".to_vec()),
        ("invalid UTF-8 in a name", b"{\"\xc0\xaf\": 1}".to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("lists too deep", nested("[", "]", 200)),
        ("objects too deep", nested("{\"a\":", "}", 200)),
        ("lists without an end", [b"{\"name\": ".to_vec(), vec![b'['; 60_000]].concat()),
        ("objects without an end", b"{\"a\":".repeat(10_000)),
    ]);
    bodies
}

#[tokio::test]
async fn a_good_body_goes_through_and_what_it_leaves_is_noticed() {
    for call in TAKING {
        let scene = Scene::set().await;
        let answer = (call.request)(&scene).json(&(call.good)(&scene)).send().await;
        assert!(answer.status < 300, "{}: {answer:?}", call.name);
        assert!(scene.service.contents().await != scene.before, "{}", call.name);
    }
}

#[tokio::test]
async fn what_is_no_object_is_refused_as_a_whole() {
    let scene = Scene::set().await;
    for call in TAKING {
        for (why, body) in unreadable() {
            let why = format!("{}: {why}", call.name);
            scene.invalid(&why, &(call.request)(&scene).body(&body), &[""]).await;
            let json = (call.request)(&scene).header("content-type", "application/json");
            scene.invalid(&why, &json.body(&body), &[""]).await;
        }
    }
}

#[tokio::test]
async fn a_field_that_stands_twice_is_refused() {
    let scene = Scene::set().await;
    for call in TAKING {
        let good = (call.good)(&scene);
        for (name, value) in good.as_object().unwrap() {
            let whole = good.to_string();
            let rest = whole.strip_prefix('{').unwrap();
            for twice in [value, &Value::Null, &Value::from(7)] {
                let body = format!("{{\"{name}\": {twice}, {rest}");
                let why = format!("{}: {name} twice", call.name);
                scene.invalid(&why, &(call.request)(&scene).body(body), &[""]).await;
            }
            let escaped = name.escape_unicode().to_string();
            let escaped = escaped.replace('{', "00").replace('}', "");
            let body = format!("{{\"{escaped}\": {value}, {rest}");
            scene.invalid("spelled another way", &(call.request)(&scene).body(body), &[""]).await;
        }
    }
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_and_not_named() {
    let scene = Scene::set().await;
    for call in TAKING {
        for name in ["colour", "Name", "NAME", " name", "", "__proto__", "a/b~c", "\u{e4}", "id"] {
            for value in [Value::Null, "red".into(), Value::Array(Vec::new())] {
                let why = format!("{}: {name:?}", call.name);
                scene.invalid(&why, &call.with(&scene, name, value), &[""]).await;
            }
        }
        let named = call.with(&scene, "surprising-name", 1.into());
        let answer = scene.refused("an unknown name", &named).await;
        assert!(!answer.text.contains("surprising-name"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_too_large_whatever_is_in_it() {
    let scene = Scene::set().await;
    for call in TAKING {
        let mut good = (call.good)(&scene).to_string().into_bytes();
        good.resize(LIMIT + 1, b' ');
        for body in [good, vec![b'x'; LIMIT + 1], vec![0xff; 1_000_000]] {
            let request = (call.request)(&scene).body(body);
            scene.refused(call.name, &request).await.problem(413, "too-large");
        }
    }
    let mut good = (REGISTER_NODE.good)(&scene).to_string().into_bytes();
    good.resize(LIMIT, b' ');
    (REGISTER_NODE.request)(&scene).body(good).send().await.of(201);
}
