//! Whom the JWT authorizer lets in, and whom it does not.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lambda_http::http::Method;
use muster_local::endpoints;
use muster_shared::environment::Environment;
use muster_shared::http::Auth;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::device::part;
use crate::support::service::Service;

async fn ask(api: &Api, jwt: &str) -> Answer {
    api.request(Method::GET, "/api/teams").bearer(jwt).send().await
}

/// A token that would do, but for one claim.
async fn with(api: &Api, claim: &str, value: Value) -> String {
    let mut claims = json!({"email": "alice@example.com", "email_verified": true});
    claims[claim] = value;
    api.token_with(&claims).await
}

/// The parts of a token that would do.
async fn good(api: &Api) -> [String; 3] {
    let jwt = with(api, "email_verified", json!(true)).await;
    ask(api, &jwt).await.of(200);
    jwt.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

fn now() -> i64 {
    Environment::system().clock.now().as_unix()
}

#[tokio::test]
async fn whoever_sends_no_token_is_refused_wherever_one_is_asked_for() {
    let service = Service::start().await;
    for endpoint in endpoints() {
        let path = endpoint.path.replace(['{', '}'], "");
        let answer = service.api.request(endpoint.method.clone(), &path).send().await;
        match endpoint.auth {
            Auth::Jwt => answer.refused_at_the_gate(401),
            Auth::Anyone => drop(answer.of(200)),
            Auth::EnrollmentToken | Auth::DeviceKey => drop(answer.problem(400, "invalid-request")),
        }
    }
}

#[tokio::test]
async fn an_expired_token_and_one_from_the_future_are_refused() {
    let Service { api, .. } = &Service::start().await;
    for (claim, offset) in [("exp", -1), ("nbf", 600), ("iat", 600)] {
        let jwt = with(api, claim, json!(now() + offset)).await;
        ask(api, &jwt).await.refused_at_the_gate(401);
    }
    ask(api, &with(api, "exp", json!(now() + 600)).await).await.of(200);
}

#[tokio::test]
async fn a_token_for_somebody_else_or_of_somebody_else_is_refused() {
    let Service { api, .. } = &Service::start().await;
    for (claim, value) in [
        ("aud", json!("another-api")),
        ("aud", json!(["another-api", "a-third"])),
        ("iss", json!("https://issuer.example")),
    ] {
        ask(api, &with(api, claim, value).await).await.refused_at_the_gate(401);
    }
}

#[tokio::test]
async fn a_token_that_the_issuer_s_key_has_not_signed_is_refused() {
    let Service { api, .. } = &Service::start().await;
    let [header, claims, signature] = good(api).await;
    let mut forged = decoded(&claims);
    forged["email"] = "mallory@example.com".into();
    ask(api, &format!("{header}.{}.{signature}", part(&forged))).await.refused_at_the_gate(401);
    ask(api, &format!("{header}.{claims}.")).await.refused_at_the_gate(401);

    let stranger = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let stranger = EncodingKey::from_rsa_der(stranger.to_pkcs1_der().unwrap().as_bytes());
    let known = decoded(&header)["kid"].as_str().unwrap().to_owned();
    for kid in [Some(known), Some("unknown".to_owned()), None] {
        let header = Header { kid, ..Header::new(Algorithm::RS256) };
        let jwt = jsonwebtoken::encode(&header, &decoded(&claims), &stranger).unwrap();
        ask(api, &jwt).await.refused_at_the_gate(401);
    }
}

#[tokio::test]
async fn a_token_of_another_algorithm_is_refused() {
    let Service { api, .. } = &Service::start().await;
    let [header, claims, signature] = good(api).await;
    let kid = decoded(&header)["kid"].as_str().unwrap().to_owned();
    for alg in ["none", "None", "HS256"] {
        let header = part(&json!({"alg": alg, "kid": kid}));
        for signature in ["", &signature] {
            let jwt = format!("{header}.{claims}.{signature}");
            ask(api, &jwt).await.refused_at_the_gate(401);
        }
    }
    // The public key taken for a shared secret, as it is published and as it stands in there.
    let keys = api.issuers_keys().await;
    let modulus = keys.of(200)["keys"][0]["n"].as_str().unwrap().to_owned();
    for secret in [keys.text, modulus, String::new()] {
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(secret.as_bytes());
        let jwt = jsonwebtoken::encode(&header, &decoded(&claims), &key).unwrap();
        ask(api, &jwt).await.refused_at_the_gate(401);
    }
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_let_in_and_refused_by_the_function() {
    let Service { api, .. } = &Service::start().await;
    for verified in [json!(false), json!("false"), json!(null), json!(["true"])] {
        ask(api, &with(api, "email_verified", verified).await).await.problem(403, "forbidden");
    }
    ask(api, &api.token_with(&json!({})).await).await.problem(403, "forbidden");
    let access = with(api, "token_use", json!("access")).await;
    ask(api, &access).await.problem(403, "forbidden");
}
