//! What a proof claims: which request it is for, which token, and when it was made.

use serde_json::{Value, json};

use super::Scene;
use crate::support::device::hash;

#[tokio::test]
async fn a_proof_for_another_request_is_refused() {
    let scene = Scene::set().await;
    let (api, proof) = (&scene.service.api, scene.proof());
    for method in ["GET", "PUT", "post", "", "POST "] {
        scene.refuses(method, proof.clone().claim("htm", method.into()).sign()).await;
    }
    let (url, https) = (api.url("/api/register-node"), api.url("").replace("http:", "https:"));
    let urls = [
        format!("{https}/api/register-node"),
        "http://evil.example/api/register-node".to_owned(),
        "http://127.0.0.1/api/register-node".to_owned(),
        url.replace("127.0.0.1", "localhost"),
        url.replace("127.0.0.1", "127.0.0.1.evil.example"),
        url.replace("http://", "http://evil@"),
        api.url("/api/register-nodes"),
        api.url("/api/register-node/"),
        api.url("/api/Register-Node"),
        api.url("/"),
        "/api/register-node".to_owned(),
        String::new(),
        "htu".to_owned(),
    ];
    for url in urls {
        scene.refuses(&url, proof.clone().claim("htu", url.as_str().into()).sign()).await;
    }
    for claim in ["htm", "htu", "iat", "ath", "jti"] {
        for value in [Value::Null, json!(7.5e20), json!([]), json!({}), json!(""), json!(true)] {
            let why = format!("{claim} = {value}");
            scene.refuses(&why, proof.clone().claim(claim, value).sign()).await;
        }
        let mut without = proof.clone();
        without.claims.as_object_mut().unwrap().remove(claim);
        scene.refuses(&format!("without {claim}"), without.sign()).await;
    }
    scene
        .refuses("too long a jti", proof.clone().claim("jti", "a".repeat(257).into()).sign())
        .await;
    scene.takes_a_good_one().await;
}

#[tokio::test]
async fn a_proof_for_another_token_is_refused() {
    let scene = Scene::set().await;
    let proof = scene.proof();
    let plaintext = &scene.made.plaintext;
    let hashes = [
        hash(&scene.other.plaintext),
        hash(&plaintext[5..]),
        hash(&plaintext.to_uppercase()),
        format!("{}=", hash(plaintext)),
        plaintext.clone(),
    ];
    for ath in hashes {
        scene.refuses(&ath, proof.clone().claim("ath", ath.as_str().into()).sign()).await;
    }
    scene.takes_a_good_one().await;
}

#[tokio::test]
async fn a_stale_proof_and_one_from_the_future_are_refused() {
    let scene = Scene::set().await;
    let proof = scene.proof();
    let now = proof.claims["iat"].as_i64().unwrap();
    // A few seconds off the limit: time passes while this runs.
    for iat in [now - 301, now - 3_600, now + 330, now + 3_600, 0, -1, now * 1_000, i64::MAX] {
        scene.refuses(&iat.to_string(), proof.clone().claim("iat", iat.into()).sign()).await;
    }
    for text in [now.to_string(), "now".to_owned(), "2030-01-01T00:00:00Z".to_owned()] {
        scene.refuses(&text, proof.clone().claim("iat", text.as_str().into()).sign()).await;
    }
    for iat in [now - 240, now + 240] {
        let request = scene.request().header("dpop", proof.clone().claim("iat", iat.into()).sign());
        let answer = request.send().await;
        assert!([200, 201].contains(&answer.status), "{answer:?}");
    }
}
