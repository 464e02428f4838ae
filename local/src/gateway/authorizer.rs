//! What API Gateway's JWT authorizer does before a function is called: the signature against the
//! issuer's keys, and the claims that say from whom, for whom and until when.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::environment::Clock;
use serde_json::{Map, Value};

use crate::issuer::{AUDIENCE, Issuer};

/// Claims as a function gets them: text, all of them.
pub type Claims = BTreeMap<String, String>;

/// Why a JWT does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unauthorized {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// It is no JWT, of another algorithm, or claims what it can't.
    #[error("the token is malformed or not signed with RS256")]
    Malformed,
    /// No key of the issuer has its `kid`.
    #[error("the token's key is not one of the issuer's")]
    Key,
    /// The signature is not the key's.
    #[error("the token's signature does not verify")]
    Signature,
    /// It is another issuer's.
    #[error("the token does not have a valid issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token does not have a valid audience")]
    Audience,
    /// It held once.
    #[error("the token has expired")]
    Expired,
    /// It does not hold yet.
    #[error("the token is not valid yet")]
    Early,
}

/// The authorizer.
pub(super) struct Authorizer {
    issuer: String,
    keys: JwkSet,
    clock: Arc<dyn Clock>,
}

impl Authorizer {
    pub(super) fn new(issuer: &Issuer, clock: Arc<dyn Clock>) -> Self {
        Self { issuer: issuer.url().to_owned(), keys: issuer.keys(), clock }
    }

    /// The claims of the JWT in `Authorization`, each as text.
    pub(super) fn authorize(&self, headers: &HeaderMap) -> Result<Claims, Unauthorized> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Unauthorized::Missing)?;
        let value = value.to_str().map_err(|_| Unauthorized::Malformed)?;
        if values.next().is_some() {
            return Err(Unauthorized::Malformed);
        }
        let jwt = match value.split_once(' ') {
            Some((scheme, jwt)) if scheme.eq_ignore_ascii_case("bearer") => jwt.trim(),
            _ => value,
        };
        let claims = self.verified(jwt)?;
        self.judge(&claims, self.clock.now())?;
        Ok(claims.iter().map(|(name, claim)| (name.clone(), spelled(claim))).collect())
    }

    /// What the issuer has signed.
    fn verified(&self, jwt: &str) -> Result<Map<String, Value>, Unauthorized> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| Unauthorized::Malformed)?;
        if header.alg != Algorithm::RS256 {
            return Err(Unauthorized::Malformed);
        }
        let key = header.kid.and_then(|kid| self.keys.find(&kid)).ok_or(Unauthorized::Key)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| Unauthorized::Key)?;
        let mut validation = Validation::new(Algorithm::RS256);
        // The claims are judged below, by the system's own clock.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = jsonwebtoken::decode(jwt, &key, &validation);
        Ok(token.map_err(|_| Unauthorized::Signature)?.claims)
    }

    fn judge(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), Unauthorized> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Unauthorized::Issuer);
        }
        let for_us = match claims.get("aud").or_else(|| claims.get("client_id")) {
            Some(Value::String(audience)) => audience == AUDIENCE,
            Some(Value::Array(audiences)) => audiences.iter().any(|one| one == AUDIENCE),
            _ => false,
        };
        if !for_us {
            return Err(Unauthorized::Audience);
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are below 2^52")]
        let now = now.as_unix() as f64;
        let time = |name| match claims.get(name) {
            None => Ok(None),
            Some(time) => time.as_f64().map(Some).ok_or(Unauthorized::Malformed),
        };
        if time("exp")?.ok_or(Unauthorized::Malformed)? <= now {
            return Err(Unauthorized::Expired);
        }
        for not_before in [time("nbf")?, time("iat")?].into_iter().flatten() {
            if not_before > now {
                return Err(Unauthorized::Early);
            }
        }
        Ok(())
    }
}

/// A claim in the spelling of API Gateway, which is Go's: `true`, `[a b]`, `map[k:v]`.
fn spelled(claim: &Value) -> String {
    match claim {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => claim.to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}:{}", spelled(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
    }
}

#[cfg(test)]
mod tests;
