use jsonwebtoken::{EncodingKey, Header};
use muster_shared::environment::Environment;
use serde_json::json;

use super::*;
use crate::issuer::Key;

fn issuer() -> Issuer {
    Issuer::new(
        "http://127.0.0.1:8000".to_owned(),
        Key::of_process().unwrap(),
        Environment::system().clock,
    )
}

fn judge(value: &str) -> Result<Claims, Unauthorized> {
    let authorizer = Authorizer::new(&issuer(), Environment::system().clock);
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, value.parse().unwrap());
    authorizer.authorize(&headers)
}

fn with(claim: &str, value: Value) -> Result<Claims, Unauthorized> {
    let issuer = issuer();
    let mut claims = issuer.claims("somebody");
    match value {
        Value::Null => claims.remove(claim),
        value => claims.insert(claim.to_owned(), value),
    };
    judge(&format!("Bearer {}", issuer.sign(&claims)))
}

#[test]
fn a_token_holds_with_the_scheme_and_without() {
    let jwt = issuer().id_token(&"alice@example.com".parse().unwrap());
    for value in [format!("Bearer {jwt}"), format!("bearer {jwt}"), jwt] {
        let claims = judge(&value).unwrap();
        assert_eq!(claims.get("email_verified").map(String::as_str), Some("true"));
        assert_eq!(claims.get("email").map(String::as_str), Some("alice@example.com"));
    }
}

#[test]
fn the_issuer_must_be_this_one() {
    for issuer in [json!("http://evil.example"), json!(["http://127.0.0.1:8000"]), Value::Null] {
        assert_eq!(with("iss", issuer), Err(Unauthorized::Issuer));
    }
}

#[test]
fn the_audience_must_be_this_api_or_the_client_id_where_there_is_none() {
    for audience in [json!("other"), json!([]), json!(["other"]), json!(7), Value::Null] {
        assert_eq!(with("aud", audience), Err(Unauthorized::Audience));
    }
    assert!(with("aud", json!(["other", AUDIENCE])).is_ok());
    let issuer = issuer();
    let mut claims = issuer.claims("somebody");
    claims.insert("client_id".to_owned(), AUDIENCE.into());
    claims.insert("aud".to_owned(), "other".into());
    assert_eq!(judge(&issuer.sign(&claims)), Err(Unauthorized::Audience));
    claims.remove("aud");
    assert!(judge(&issuer.sign(&claims)).is_ok());
}

#[test]
fn a_token_holds_from_its_beginning_to_the_second_of_its_end() {
    let now = Environment::system().clock.now().as_unix();
    assert_eq!(with("exp", json!(now - 1)), Err(Unauthorized::Expired));
    assert_eq!(with("exp", json!(now)), Err(Unauthorized::Expired));
    assert_eq!(with("exp", Value::Null), Err(Unauthorized::Malformed));
    assert_eq!(with("exp", json!("never")), Err(Unauthorized::Malformed));
    assert_eq!(with("nbf", json!(now + 60)), Err(Unauthorized::Early));
    assert_eq!(with("iat", json!(now + 60)), Err(Unauthorized::Early));
    assert!(with("nbf", json!(now)).is_ok());
    assert!(with("iat", Value::Null).is_ok());
}

#[test]
fn what_the_issuer_has_not_signed_does_not_hold() {
    let issuer = issuer();
    let jwt = issuer.sign(&issuer.claims("somebody"));
    let [header, claims, signature]: [&str; 3] =
        jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
    let part = |value: Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let kid = jsonwebtoken::decode_header(&jwt).unwrap().kid.unwrap();

    let mut forged = issuer.claims("somebody else");
    forged.insert("email_verified".to_owned(), true.into());
    let forged = part(forged.into());
    assert_eq!(judge(&format!("{header}.{forged}.{signature}")), Err(Unauthorized::Signature));
    assert_eq!(judge(&format!("{header}.{claims}.")), Err(Unauthorized::Signature));

    for alg in ["none", "None", "NONE", "HS256", "ES256", "RS512"] {
        let header = part(json!({"alg": alg, "typ": "JWT", "kid": kid}));
        for signature in ["", signature] {
            let jwt = format!("{header}.{claims}.{signature}");
            assert_eq!(judge(&jwt), Err(Unauthorized::Malformed), "{alg}");
        }
    }
    for kid in [json!("another"), json!(""), Value::Null] {
        let header = part(json!({"alg": "RS256", "kid": kid}));
        let jwt = format!("{header}.{claims}.{signature}");
        assert_eq!(judge(&jwt), Err(Unauthorized::Key));
    }
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let issuer = issuer();
    let keys = issuer.keys();
    let public = serde_json::to_string(&keys.keys[0]).unwrap();
    let header =
        Header { kid: keys.keys[0].common.key_id.clone(), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(public.as_bytes());
    let jwt = jsonwebtoken::encode(&header, &issuer.claims("somebody"), &key).unwrap();
    assert_eq!(judge(&jwt), Err(Unauthorized::Malformed));
}

#[test]
fn what_is_no_jwt_does_not_hold() {
    for value in ["", "Bearer", "Bearer ", "Bearer a.b", "a.b.c", "....", "Basic YTpi", "\u{e4}"] {
        assert_eq!(judge(value), Err(Unauthorized::Malformed), "{value:?}");
    }
    let authorizer = Authorizer::new(&issuer(), Environment::system().clock);
    assert_eq!(authorizer.authorize(&HeaderMap::new()), Err(Unauthorized::Missing));
    let jwt = issuer().id_token(&"alice@example.com".parse().unwrap());
    let mut twice = HeaderMap::new();
    twice.append(header::AUTHORIZATION, jwt.parse().unwrap());
    twice.append(header::AUTHORIZATION, jwt.parse().unwrap());
    assert_eq!(authorizer.authorize(&twice), Err(Unauthorized::Malformed));
}

#[test]
fn claims_are_spelled_as_api_gateway_spells_them() {
    let spellings = [
        (json!("a"), "a"),
        (json!(true), "true"),
        (json!(1_900_000_000), "1900000000"),
        (json!(["a", "b"]), "[a b]"),
        (json!([]), "[]"),
        (json!({"a": 1, "b": ["c"]}), "map[a:1 b:[c]]"),
        (Value::Null, "<nil>"),
    ];
    for (claim, spelling) in spellings {
        assert_eq!(spelled(&claim), spelling);
    }
}
