//! A plaintext put where it does not belong is neither kept nor said again.

use lambda_http::http::Method;
use serde_json::{Value, json};

use super::Scene;
use super::calls::{REGISTER_NODE, TAKING};
use crate::support::answer::Answer;
use crate::support::api::{Request, encoded};

/// Sends a request with a plaintext in a wrong place.
async fn says_nothing(scene: &Scene, why: &str, request: &Request) -> Answer {
    let answer = scene.refused(why, request).await;
    // Its secret begins in the 26th character after the prefix.
    for part in [&scene.made.plaintext[..], &scene.made.plaintext[31..]] {
        let lower = format!("{:?}", (&answer.text, &answer.headers)).to_lowercase();
        assert!(!lower.contains(part), "{why}: {answer:?}");
    }
    answer
}

/// The plaintext, and what is left of it after common accidents.
fn accidents(plaintext: &str) -> Vec<String> {
    vec![
        plaintext.to_owned(),
        plaintext.to_uppercase(),
        format!("Bearer {plaintext}"),
        format!("{plaintext} "),
        format!("x{plaintext}"),
        plaintext[..60].to_owned(),
    ]
}

#[tokio::test]
async fn as_the_value_of_any_other_field() {
    let scene = Scene::set().await;
    for call in TAKING {
        let good = (call.good)(&scene);
        for field in good.as_object().unwrap().keys().filter(|field| *field != "token") {
            for text in accidents(&scene.made.plaintext) {
                let places: [Value; 4] = [
                    text.as_str().into(),
                    json!([text]),
                    json!({"env": {"TOKEN": [text]}}),
                    json!({text.as_str(): 1}),
                ];
                for value in places {
                    let why = format!("{}: {field} = {value}", call.name);
                    let request = call.with(&scene, field, value);
                    let answer = says_nothing(&scene, &why, &request).await;
                    assert_eq!(answer.invalid_at(), [format!("/{field}")], "{why}");
                }
            }
        }
    }
}

#[tokio::test]
async fn as_the_name_of_a_field_or_the_body_itself() {
    let scene = Scene::set().await;
    for call in TAKING {
        for text in accidents(&scene.made.plaintext) {
            let named = call.with(&scene, &text, 1.into());
            assert_eq!(says_nothing(&scene, call.name, &named).await.invalid_at(), [""]);
            for body in
                [text.clone(), format!("\"{text}\""), format!("token={text}"), format!("{{{text}")]
            {
                let request = (call.request)(&scene).body(body);
                assert_eq!(says_nothing(&scene, call.name, &request).await.invalid_at(), [""]);
            }
        }
    }
}

#[tokio::test]
async fn inside_the_token_field_but_not_as_it_is() {
    let scene = Scene::set().await;
    let text = scene.made.plaintext.as_str();
    for value in [json!([text]), json!({"token": text}), json!({text: 1})] {
        let request = REGISTER_NODE.with(&scene, "token", value);
        assert_eq!(says_nothing(&scene, "token", &request).await.invalid_at(), ["/token"]);
    }
}

#[tokio::test]
async fn in_a_path_or_a_query() {
    let scene = Scene::set().await;
    let team = &scene.team.id;
    for text in accidents(&scene.made.plaintext).iter().map(|text| encoded(text)) {
        let paths = [
            (Method::GET, format!("/api/teams/{text}/nodes")),
            (Method::DELETE, format!("/api/teams/{team}/nodes/{text}")),
            (Method::DELETE, format!("/api/teams/{team}/members/{text}")),
            (Method::DELETE, format!("/api/teams/{team}/registration-tokens/{text}")),
            (Method::GET, format!("/api/teams/{team}/registration-tokens/{text}")),
        ];
        for (method, path) in paths {
            let request = scene.team.who.request(method, &path);
            says_nothing(&scene, &path, &request).await.problem(404, "not-found");
        }
        let parameters = [
            ("nodes", &["q", "tag", "group", "kind", "status", "token_id", "cursor", "limit"][..]),
            ("registration-tokens", &["q", "status", "sort", "order", "cursor", "limit"]),
            ("members", &["cursor", "limit"]),
            ("removals", &["cursor", "limit"]),
        ];
        for (list, names) in parameters {
            for name in names {
                let path = format!("/api/teams/{team}/{list}?{name}={text}");
                let answer = says_nothing(&scene, &path, &scene.team.who.get(&path)).await;
                assert_eq!(answer.invalid_at(), [format!("?{name}")], "{path}");
            }
            let path = format!("/api/teams/{team}/{list}?{text}=1");
            says_nothing(&scene, &path, &scene.team.who.get(&path)).await;
        }
    }
}

#[tokio::test]
async fn in_a_header() {
    let scene = Scene::set().await;
    let text = &scene.made.plaintext;
    let bare = scene.service.api.register_with(&json!({"hostname": "web-2"}));
    let schemes = ["", "Basic ", "DPoP ", "token="].map(|scheme| format!("{scheme}{text}"));
    for value in schemes.into_iter().chain([format!("Bearer {text}\u{e4}")]) {
        let request = bare.clone().header("authorization", value);
        says_nothing(&scene, "authorization", &request).await.problem(401, "unauthenticated");
    }
    let twice = bare.clone().bearer(text).bearer(text);
    says_nothing(&scene, "authorization twice", &twice).await.problem(401, "invalid-token");
    let proof = bare.bearer(text).header("dpop", text);
    says_nothing(&scene, "dpop", &proof).await.problem(401, "invalid-proof");
}
