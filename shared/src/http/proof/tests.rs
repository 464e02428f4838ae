use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::domain::id::{TeamId, TokenId};

const URL: &str = "https://api.example.com/api/register-node";
const NOW: i64 = 1_900_000_000;

struct Device(Ed25519KeyPair);

impl Device {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn x(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.public_key().as_ref())
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": self.x()}})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = BASE64URL_NOPAD.encode(self.0.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}

fn token(secret: u8) -> Plaintext {
    Plaintext::new(TeamId::from_bytes([1; 8]), TokenId::from_bytes([2; 8]), [secret; 20])
}

fn ath(token: &Plaintext) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(token.expose().as_bytes()))
}

fn claims() -> Value {
    json!({"jti": "1", "htm": "POST", "htu": URL, "iat": NOW, "ath": ath(&token(3))})
}

fn check_proof(proof: &str) -> Result<PublicKey, ProofError> {
    let token = token(3);
    let now = Timestamp::from_unix(NOW);
    verify(proof, Expected { method: "POST", url: URL, token: Some(&token), now })
}

fn with(mut object: Value, path: &str, value: Value) -> Value {
    *object.pointer_mut(path).unwrap() = value;
    object
}

fn with_claim(name: &str, value: Value) -> Result<PublicKey, ProofError> {
    let device = Device::new(7);
    let mut claims = claims();
    claims[name] = value;
    check_proof(&device.sign(&device.header(), &claims))
}

fn with_header(path: &str, value: Value) -> Result<PublicKey, ProofError> {
    let device = Device::new(7);
    check_proof(&device.sign(&with(device.header(), path, value), &claims()))
}

#[test]
fn a_proof_by_the_rules_shows_the_key() {
    let device = Device::new(7);
    let key = check_proof(&device.sign(&device.header(), &claims())).unwrap();
    assert_eq!(String::from(key), device.x());
}

#[test]
fn another_method_url_token_or_time_is_refused() {
    assert_eq!(with_claim("htm", json!("GET")), Err(ProofError::Method));
    assert_eq!(with_claim("htm", json!("post")), Err(ProofError::Method));
    for url in [
        "https://evil.example/api/register-node",
        "https://api.example.com/api",
        "http://api.example.com/api/register-node",
        "",
        "/api/register-node",
    ] {
        assert_eq!(with_claim("htu", json!(url)), Err(ProofError::Url), "{url}");
    }
    assert_eq!(with_claim("ath", json!(ath(&token(4)))), Err(ProofError::TokenHash));
    assert_eq!(with_claim("ath", json!("")), Err(ProofError::TokenHash));
    assert_eq!(with_claim("iat", json!(NOW - 301)), Err(ProofError::IssuedAt));
    assert_eq!(with_claim("iat", json!(NOW + 301)), Err(ProofError::IssuedAt));
    assert_eq!(with_claim("iat", Value::Null), Err(ProofError::IssuedAt));
    assert_eq!(with_claim("jti", json!("")), Err(ProofError::Id));
}

#[test]
fn a_url_is_compared_normalized_and_without_query() {
    for url in [
        "https://API.example.com:443/api/register-node",
        "https://api.example.com/api/register-node?x=1#y",
        "https://api.example.com/api/./register-node",
    ] {
        assert!(with_claim("htu", json!(url)).is_ok(), "{url}");
    }
    assert!(with_claim("iat", json!(NOW - 300)).is_ok());
    assert!(with_claim("iat", json!(1_900_000_000.5)).is_ok());
}

#[test]
fn another_algorithm_is_refused_whatever_the_signature() {
    for alg in ["none", "HS256", "RS256", "ES256", "eddsa", ""] {
        assert_eq!(with_header("/alg", json!(alg)), Err(ProofError::Algorithm), "{alg}");
    }
    assert_eq!(with_header("/typ", json!("JWT")), Err(ProofError::Type));
    let device = Device::new(7);
    let unsigned = device.sign(&with(device.header(), "/alg", json!("none")), &claims());
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert_eq!(check_proof(&unsigned), Err(ProofError::Algorithm));
}

#[test]
fn another_kind_of_key_and_a_private_key_are_refused() {
    assert_eq!(with_header("/jwk/kty", json!("EC")), Err(ProofError::Key));
    assert_eq!(with_header("/jwk/crv", json!("X25519")), Err(ProofError::Key));
    assert_eq!(with_header("/jwk/x", json!("AAAA")), Err(ProofError::Key));
    assert_eq!(with_header("/jwk", json!({"kty": "oct", "k": "AAAA"})), Err(ProofError::Key));
    let device = Device::new(7);
    let mut header = device.header();
    header["jwk"]["d"] = json!("AAAA");
    assert_eq!(check_proof(&device.sign(&header, &claims())), Err(ProofError::Key));
    let mut header = device.header();
    header["crit"] = json!(["b64"]);
    assert_eq!(check_proof(&device.sign(&header, &claims())), Err(ProofError::Critical));
}

#[test]
fn a_signature_over_something_else_or_by_another_key_is_refused() {
    let device = Device::new(7);
    let proof = device.sign(&device.header(), &claims());
    let other = device.sign(&device.header(), &with(claims(), "/jti", json!("2")));
    let (signed, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = proof.rsplit_once('.').unwrap();
    assert_eq!(check_proof(&format!("{signed}.{signature}")), Err(ProofError::Signature));
    let thief = Device::new(8);
    assert_eq!(check_proof(&thief.sign(&device.header(), &claims())), Err(ProofError::Signature));
}

#[test]
fn what_is_no_single_jws_is_refused() {
    let device = Device::new(7);
    let proof = device.sign(&device.header(), &claims());
    let twice = format!("{proof},{proof}");
    let long = format!("{proof}{}", "A".repeat(LONGEST));
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        &twice,
        &long,
        &proof[1..],
        &format!("{proof}.x"),
        &format!("{proof}="),
        "ä.ö.ü",
    ] {
        assert!(check_proof(text).is_err(), "{text}");
    }
}
