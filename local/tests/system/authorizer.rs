//! Whom API Gateway's authorizer would not let in is not let in here.

use super::common::api::Api;
use super::common::http::{Answer, Request};
use super::common::local::Local;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use muster_local::endpoints;
use muster_shared::http::Auth;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Map, Value, json};

fn ask(local: &Local, jwt: &str) -> Answer {
    Request::new("GET", "/api/teams").bearer(jwt).send(local.address())
}

#[track_caller]
fn is_refused(local: &Local, jwt: &str) {
    let answer = ask(local, jwt);
    answer.is_refused(401, "Unauthorized");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
}

fn claims(local: &Local) -> Map<String, Value> {
    let mut claims = local.system.issuer().claims("somebody");
    claims.insert("email".to_owned(), "alice@example.com".into());
    claims.insert("email_verified".to_owned(), true.into());
    claims
}

fn signed_with(local: &Local, claim: &str, value: Value) -> String {
    let mut claims = claims(local);
    claims.insert(claim.to_owned(), value);
    local.system.issuer().sign(&claims)
}

#[test]
fn whoever_sends_no_token_is_refused_wherever_one_is_asked_for() {
    let local = Local::start();
    for endpoint in endpoints() {
        let path = endpoint.path.replace(['{', '}'], "");
        let answer = Request::new(endpoint.method.as_str(), &path).send(local.address());
        match endpoint.auth {
            Auth::Jwt => answer.is_refused(401, "Unauthorized"),
            Auth::EnrollmentToken => answer.is_problem(400, "invalid-request"),
        }
    }
    local.stop();
}

#[test]
fn an_expired_token_and_one_from_the_future_are_refused() {
    let local = Local::start();
    let now = local.system.store().environment().clock.now().as_unix();
    is_refused(&local, &signed_with(&local, "exp", json!(now - 1)));
    is_refused(&local, &signed_with(&local, "nbf", json!(now + 600)));
    is_refused(&local, &signed_with(&local, "iat", json!(now + 600)));
    ask(&local, &signed_with(&local, "exp", json!(now + 600))).of(200);
    local.stop();
}

#[test]
fn a_token_for_somebody_else_or_of_somebody_else_is_refused() {
    let local = Local::start();
    is_refused(&local, &signed_with(&local, "aud", json!("another-api")));
    is_refused(&local, &signed_with(&local, "iss", json!("https://issuer.example")));
    local.stop();
}

#[test]
fn a_token_that_the_issuer_has_not_signed_is_refused() {
    let local = Local::start();
    let good = local.system.issuer().sign(&claims(&local));
    let kid = jsonwebtoken::decode_header(&good).unwrap().kid;

    let stranger = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let stranger = EncodingKey::from_rsa_der(stranger.to_pkcs1_der().unwrap().as_bytes());
    for kid in [kid.clone(), Some("unknown".to_owned()), None] {
        let header = Header { kid, ..Header::new(Algorithm::RS256) };
        is_refused(&local, &jsonwebtoken::encode(&header, &claims(&local), &stranger).unwrap());
    }

    let [header, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let mut forged = claims(&local);
    forged.insert("email".to_owned(), "mallory@example.com".into());
    is_refused(&local, &format!("{header}.{}.{signature}", part(forged.into())));

    let none = part(json!({"alg": "none", "kid": kid}));
    is_refused(&local, &format!("{none}.{payload}."));
    is_refused(&local, &format!("{none}.{payload}.{signature}"));

    // The public key taken for a shared secret, in every spelling that it has.
    let keys = Request::new("GET", "/.well-known/jwks.json").send(local.address());
    let modulus = keys.json()["keys"][0]["n"].as_str().unwrap().to_owned();
    for secret in [keys.body, modulus.as_bytes().to_vec(), b"".to_vec()] {
        let header = Header { kid: kid.clone(), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(&secret);
        is_refused(&local, &jsonwebtoken::encode(&header, &claims(&local), &key).unwrap());
    }
    local.stop();
}

#[test]
fn an_address_that_is_not_verified_is_let_in_and_refused_by_the_function() {
    let local = Local::start();
    for verified in [json!(false), json!("false"), json!(null), json!(["true"])] {
        ask(&local, &signed_with(&local, "email_verified", verified)).is_problem(403, "forbidden");
    }
    let neither = local.system.issuer().claims("somebody");
    ask(&local, &local.system.issuer().sign(&neither)).is_problem(403, "forbidden");
    ask(&local, &signed_with(&local, "token_use", json!("access"))).is_problem(403, "forbidden");
    local.stop();
}

#[test]
fn a_machine_client_is_a_principal_of_its_own() {
    let local = Local::start();
    let token = Request::new("GET", "/dev/token?client=ci").send(local.address()).of(200);
    let ci =
        Api { address: local.address(), jwt: token["access_token"].as_str().unwrap().to_owned() };
    let team = ci.team();
    let members = ci.all(&team, "members", "members");
    assert_eq!(members[0]["principal"], "client:ci");
    assert_eq!(members[0]["email"], Value::Null);
    local.stop();
}
