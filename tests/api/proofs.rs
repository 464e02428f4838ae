//! DPoP proofs (RFC 9449) and plaintexts that do not hold: refused before anything is read.

use lambda_http::http::Method;
use muster_tests::table::Contents;
use serde_json::{Value, json};

use crate::support::api::Request;
use crate::support::device::{Device, Proof, hash, part};
use crate::support::service::Watched;
use crate::support::team::Made;

struct Scene {
    service: Watched,
    made: Made,
    other: Made,
    device: Device,
    before: Contents,
}

impl Scene {
    async fn set() -> Self {
        let service = Watched::start().await;
        let team = service.api.newcomer("owner").await.makes_a_team().await;
        let (made, other) = (team.token(json!({})).await, team.token(json!({})).await);
        let before = service.contents().await;
        Self { service, made, other, device: Device::new(), before }
    }

    fn proof(&self) -> Proof<'_> {
        self.device.proof(&self.service.api, &self.made.plaintext)
    }

    fn request(&self) -> Request {
        self.service.api.register(&self.made, json!({"hostname": "laptop"}))
    }

    /// Sends a registration with this as its proof: it must be refused without a look at the table.
    async fn refuses(&self, why: &str, proof: impl AsRef<[u8]>) {
        self.refuses_request(why, &self.request().header("dpop", proof)).await;
    }

    async fn refuses_request(&self, why: &str, request: &Request) {
        self.service.wire.journal();
        let answer = request.send().await;
        let sent = self.service.wire.journal();
        assert!(sent.is_empty(), "{why}: {sent:?}");
        assert_eq!(answer.status, 401, "{why}: {}", answer.text);
        let problem = answer.problem(401, "invalid-proof");
        assert_eq!(problem["errors"][0]["parameter"], "DPoP", "{why}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{why}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert_eq!(challenge, r#"DPoP algs="EdDSA", error="invalid_dpop_proof""#);
        assert!(self.service.contents().await == self.before, "{why}");
    }

    /// The very same scene with a good proof: whatever was refused was refused for its own sake.
    async fn takes_a_good_one(&self) {
        let answer = self.request().header("dpop", self.proof().sign()).send().await;
        assert_eq!(answer.of(201)["status"], "online");
        assert!(!self.service.wire.journal().is_empty());
    }
}

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
    for secret in
        [x.as_bytes().to_vec(), data_encoding::BASE64URL_NOPAD.decode(x.as_bytes()).unwrap()]
    {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = ring::hmac::sign(&key, other.signed().as_bytes());
        let tag = data_encoding::BASE64URL_NOPAD.encode(tag.as_ref());
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
