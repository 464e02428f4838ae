//! DPoP proofs (RFC 9449): that whoever speaks for a device holds its key.
//!
//! This stands in the register path, so it is verified with what is linked for TLS anyway, by the
//! rules of section 4.3 of the RFC.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::key::PublicKey;
use crate::domain::plaintext::Plaintext;
use crate::domain::timestamp::Timestamp;

/// How far a proof's `iat` may lie from now, in seconds.
pub const IAT_WITHIN: i64 = 300;

const LONGEST: usize = 4096;

/// Which rule a proof breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not one header with one JWS of three parts of base64url and JSON.
    #[error("must be one JWS in compact serialization")]
    Malformed,
    /// `typ` is another.
    #[error("typ must be dpop+jwt")]
    Type,
    /// `alg` is another.
    #[error("alg must be EdDSA")]
    Algorithm,
    /// `jwk` is no Ed25519 public key, or holds a private one.
    #[error("jwk must be an Ed25519 public key (kty OKP, crv Ed25519) and nothing private")]
    Key,
    /// The header asks for an extension.
    #[error("crit is not supported")]
    Critical,
    /// The signature is not the key's.
    #[error("the signature does not verify with jwk")]
    Signature,
    /// `jti` is missing or too long.
    #[error("jti must be 1 to 256 characters")]
    Id,
    /// `htm` is another method.
    #[error("htm must be the request's method")]
    Method,
    /// `htu` is another URL.
    #[error("htu must be the request's URL without query and fragment")]
    Url,
    /// `iat` is too far from now.
    #[error("iat must be within 5 minutes of the service's clock")]
    IssuedAt,
    /// `ath` is missing or another token's.
    #[error("ath must be the base64url SHA-256 of the enrollment token")]
    TokenHash,
}

/// The request that a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URL as called.
    pub url: &'a str,
    /// The enrollment token that it presents, if it presents one.
    pub token: Option<&'a Plaintext>,
    /// When it is verified.
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: serde_json::Value,
    #[serde(default)]
    crit: serde_json::Value,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: PublicKey,
    #[serde(default)]
    d: serde_json::Value,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    jti: String,
    #[serde(default)]
    htm: String,
    #[serde(default)]
    htu: String,
    iat: Option<f64>,
    #[serde(default)]
    ath: String,
}

/// The key that the proof shows the caller to hold.
pub fn verify(proof: &str, expected: Expected<'_>) -> Result<PublicKey, ProofError> {
    if proof.len() > LONGEST {
        return Err(ProofError::Malformed);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(ProofError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(ProofError::Malformed)?;
    let header: Header = part(header)?;
    if header.typ != "dpop+jwt" {
        return Err(ProofError::Type);
    }
    if header.alg != "EdDSA" {
        return Err(ProofError::Algorithm);
    }
    if !header.crit.is_null() {
        return Err(ProofError::Critical);
    }
    let jwk: Jwk = serde_json::from_value(header.jwk).map_err(|_| ProofError::Key)?;
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" || !jwk.d.is_null() {
        return Err(ProofError::Key);
    }
    let signature = bytes(signature)?;
    UnparsedPublicKey::new(&ED25519, jwk.x.as_bytes())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| ProofError::Signature)?;
    check(&part(claims)?, expected)?;
    Ok(jwk.x)
}

fn check(claims: &Claims, expected: Expected<'_>) -> Result<(), ProofError> {
    if !(1..=256).contains(&claims.jti.chars().count()) {
        return Err(ProofError::Id);
    }
    if claims.htm != expected.method {
        return Err(ProofError::Method);
    }
    if !same_resource(&claims.htu, expected.url) {
        return Err(ProofError::Url);
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^52")]
    let now = expected.now.as_unix() as f64;
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let fresh = claims.iat.is_some_and(|iat| (now - iat).abs() <= IAT_WITHIN as f64);
    if !fresh {
        return Err(ProofError::IssuedAt);
    }
    let hash = |token: &Plaintext| Sha256::digest(token.expose().as_bytes());
    match expected.token {
        Some(token) if claims.ath != BASE64URL_NOPAD.encode(&hash(token)) => {
            Err(ProofError::TokenHash)
        }
        _ => Ok(()),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, ProofError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ProofError::Malformed)
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ProofError> {
    serde_json::from_slice(&bytes(text)?).map_err(|_| ProofError::Malformed)
}

/// Whether two URLs name the same resource, normalized, query and fragment left aside.
fn same_resource(given: &str, called: &str) -> bool {
    let resource = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    resource(given).is_some_and(|given| resource(called) == Some(given))
}

#[cfg(test)]
mod tests;
