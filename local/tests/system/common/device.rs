//! A device with a key of its own.

use data_encoding::BASE64URL_NOPAD;
use muster_shared::environment::Environment;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A device.
pub struct Device(Ed25519KeyPair);

impl Device {
    pub fn new() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    /// A DPoP proof for one registration with a token at `url`.
    pub fn proof(&self, url: &str, token: &str) -> String {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let x = BASE64URL_NOPAD.encode(self.0.public_key().as_ref());
        let header = json!({
            "typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}
        });
        let claims = json!({
            "jti": x, "htm": "POST", "htu": url,
            "iat": Environment::system().clock.now().as_unix(),
            "ath": BASE64URL_NOPAD.encode(&Sha256::digest(token.as_bytes())),
        });
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = BASE64URL_NOPAD.encode(self.0.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}
