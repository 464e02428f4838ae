//! Plaintexts that the checksum tells from tokens.

use lambda_http::http::Method;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn a_malformed_token_costs_no_call() {
    let scene = Scene::set().await;
    let good = &scene.made.plaintext;
    let mut texts: Vec<String> = (0..good.len())
        .map(|at| {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    texts.extend((0..good.len()).step_by(9).map(|length| good[..length].to_owned()));
    texts.extend([format!("{good}a"), format!(" {good}"), good.to_uppercase(), "\u{0}".to_owned()]);
    scene.service.wire.journal();
    for text in &texts {
        let body = json!({"token": text, "hostname": "web-1"});
        let answer = scene.service.api.register_with(&body).send().await;
        answer.problem(401, "invalid-token");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        // What stands around the token of a header belongs to the header.
        if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
            let request = scene.service.api.register_with(&json!({"hostname": "web-1"}));
            request.bearer(text).send().await.problem(401, "invalid-token");
        }
    }
    assert!(scene.service.wire.journal().is_empty());
    assert!(scene.service.contents().await == scene.before);

    let request = scene.service.api.request(Method::POST, "/api/register-node");
    let answer = request.bearer(good).body("{").send().await;
    assert_eq!(answer.invalid_at(), [""]);
    assert!(scene.service.wire.journal().is_empty(), "nor does any other bad body");
}
