//! What a proof is signed with.

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn another_kind_of_token_algorithm_or_key_is_refused() {
    let scene = Scene::set().await;
    let proof = scene.proof();
    for typ in
        [json!("JWT"), json!("dpop"), json!("DPoP+JWT"), json!("at+jwt"), json!(""), json!(7)]
    {
        scene.refuses(&typ.to_string(), proof.clone().header("typ", typ).sign()).await;
    }
    let algorithms =
        ["none", "None", "NONE", "HS256", "RS256", "ES256", "PS256", "Ed448", "eddsa", ""];
    for alg in algorithms {
        let other = proof.clone().header("alg", alg.into());
        scene.refuses(alg, other.sign()).await;
        scene.refuses(&format!("{alg}, unsigned"), format!("{}.", other.signed())).await;
    }
    // HMAC-SHA-256 with the public key taken for a shared secret.
    let other = proof.clone().header("alg", "HS256".into());
    let x = proof.header["jwk"]["x"].as_str().unwrap();
    for secret in [x.as_bytes().to_vec(), BASE64URL_NOPAD.decode(x.as_bytes()).unwrap()] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = ring::hmac::sign(&key, other.signed().as_bytes());
        let tag = BASE64URL_NOPAD.encode(tag.as_ref());
        scene.refuses("HS256 with the public key", format!("{}.{tag}", other.signed())).await;
    }
    for header in ["typ", "alg", "jwk"] {
        let mut without = proof.clone();
        without.header.as_object_mut().unwrap().remove(header);
        scene.refuses(&format!("without {header}"), without.sign()).await;
    }
    scene.refuses("crit", proof.clone().header("crit", json!(["b64"])).sign()).await;
    scene.refuses("b64", proof.clone().header("crit", json!([])).sign()).await;
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let keys = [
        proof.clone().jwk("kty", "EC".into()),
        proof.clone().jwk("kty", "oct".into()),
        proof.clone().jwk("crv", "X25519".into()),
        proof.clone().jwk("crv", "Ed448".into()),
        proof.clone().jwk("x", "".into()),
        proof.clone().jwk("x", x[1..].into()),
        proof.clone().jwk("x", format!("{x}=").into()),
        proof.clone().jwk("x", "A".repeat(43).into()),
        proof.clone().jwk("d", d.into()),
        proof.clone().header("jwk", x.into()),
        proof.clone().header("jwk", json!({"kty": "oct", "k": x})),
        proof.clone().header("jwk", json!([proof.header["jwk"]])),
    ];
    for key in keys {
        scene.refuses(&key.header["jwk"].to_string(), key.sign()).await;
    }
    scene.takes_a_good_one().await;
}
