//! What is no proof, or is one no more.

use serde_json::json;

use super::Scene;
use crate::support::device::{Device, part};

#[tokio::test]
async fn a_proof_that_was_tampered_with_is_refused() {
    let scene = Scene::set().await;
    let proof = scene.proof();
    let good = proof.sign();
    let signature = good.rsplit_once('.').unwrap().1;
    let others = [
        proof.clone().claim("jti", "another".into()),
        proof.clone().claim("extra", 1.into()),
        proof.clone().header("extra", 1.into()),
    ];
    for other in &others {
        scene.refuses("another text", format!("{}.{signature}", other.signed())).await;
    }
    let thief = Device::new();
    let thiefs = thief.proof(&scene.service.api, &scene.made.plaintext);
    let stolen = thiefs.signature_over(&proof.signed());
    scene.refuses("another's signature", format!("{}.{stolen}", proof.signed())).await;
    let mut named = proof.clone();
    named.header = thiefs.header.clone();
    scene.refuses("another's key", named.sign()).await;
    for at in (0..good.len()).step_by(7) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        scene.refuses(&format!("changed at {at}"), &bytes).await;
    }
    for length in (0..good.len()).step_by(11) {
        scene.refuses(&format!("cut off at {length}"), &good[..length]).await;
    }
    scene.takes_a_good_one().await;
}

#[tokio::test]
async fn what_is_no_single_proof_is_refused() {
    let scene = Scene::set().await;
    let good = scene.proof().sign();
    let once = scene.request().header("dpop", &good);
    scene.refuses_request("the same header twice", &once.clone().header("dpop", &good)).await;
    let other = Device::new().proof(&scene.service.api, &scene.made.plaintext).sign();
    scene.refuses_request("two proofs", &once.header("dpop", other)).await;
    let [header, claims, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let texts = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        format!("{good},{good}"),
        format!("{good};{good}"),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good} x"),
        format!("Bearer {good}"),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{}.{claims}.{signature}", part(&json!([]))),
        format!("{}.{claims}.{signature}", part(&json!(null))),
        format!("{header}.{}.{signature}", part(&json!("claims"))),
        format!("{}{}", "a".repeat(4_000), good),
        "\u{e4}.\u{f6}.\u{fc}".to_owned(),
    ];
    for text in texts {
        scene.refuses(&text, &text).await;
    }
    scene.refuses("no UTF-8", [0xff, 0xfe]).await;
    scene.refuses("NaN", format!("{header}.{}.{signature}", part(&json!({"iat": 1e308})))).await;
    scene.takes_a_good_one().await;
}
