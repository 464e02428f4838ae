//! This machine's own key, and the proofs that it holds it.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::clock;

/// An Ed25519 key.
pub(crate) struct DeviceKey {
    pair: Ed25519KeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl DeviceKey {
    /// A new key, from the operating system's generator; `None` if that gives nothing.
    pub(crate) fn generate() -> Option<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
        Self::from_pkcs8(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    /// The key that [`DeviceKey::to_text`] has written.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::from_pkcs8(Zeroizing::new(BASE64.decode(text.as_bytes()).ok()?))
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).ok()?;
        Some(Self { pair, pkcs8 })
    }

    /// The key as text: PKCS #8 (RFC 5958) in base64.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(&self.pkcs8))
    }

    /// A DPoP proof (RFC 9449) for one request, and for the token that it presents.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        let x = BASE64URL_NOPAD.encode(self.pair.public_key().as_ref());
        let header = json!({
            "typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x},
        });
        let mut claims = json!({
            "jti": format!("{:032x}", fastrand::u128(..)), "htm": method, "htu": url,
            "iat": clock::unix(clock::now()),
        });
        if let (Some(token), Some(claims)) = (token, claims.as_object_mut()) {
            let hash = BASE64URL_NOPAD.encode(&Sha256::digest(token.as_bytes()));
            claims.insert("ath".to_owned(), hash.into());
        }
        let part = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = BASE64URL_NOPAD.encode(self.pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}
