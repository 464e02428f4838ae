//! A device with an Ed25519 key of its own, and its DPoP proofs, good ones and others.

use data_encoding::BASE64URL_NOPAD;
use lambda_http::http::Method;
use muster_shared::domain::key::PublicKey;
use muster_shared::environment::Environment;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::api::{Api, Request, encoded};
use super::team::Made;

/// A device.
pub(crate) struct Device(Ed25519KeyPair);

impl Device {
    pub(crate) fn new() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    /// Its public key.
    pub(crate) fn key(&self) -> PublicKey {
        BASE64URL_NOPAD.encode(self.0.public_key().as_ref()).parse().unwrap()
    }

    /// A proof that it holds its key, for one registration with a token.
    pub(crate) fn proof(&self, api: &Api, plaintext: &str) -> Proof<'_> {
        self.proof_for("POST", &api.url("/api/register-node")).claim("ath", hash(plaintext).into())
    }

    /// A proof that it holds its key, for one request.
    pub(crate) fn proof_for(&self, method: &str, url: &str) -> Proof<'_> {
        let x = BASE64URL_NOPAD.encode(self.0.public_key().as_ref());
        let header = json!({
            "typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x},
        });
        let claims = json!({
            "jti": "e1j3V_bKic8-LAEB", "htm": method, "htu": url,
            "iat": Environment::system().clock.now().as_unix(),
        });
        Proof { device: self, header, claims }
    }

    /// A request about its own node.
    pub(crate) fn speaks(&self, api: &Api, method: Method, rest: &str, node: &Value) -> Request {
        let path = format!("/api/nodes/self{rest}");
        let proof = self.proof_for(method.as_str(), &api.url(&path)).sign();
        let (team, hostname) = (&node["team_id"], &node["hostname"]);
        let [team, hostname] = [team, hostname].map(|value| encoded(value.as_str().unwrap()));
        let path = format!("{path}?team_id={team}&hostname={hostname}");
        api.request(method, &path).header("dpop", proof)
    }

    /// A registration under its own key.
    pub(crate) fn register(&self, api: &Api, made: &Made, report: Value) -> Request {
        let proof = self.proof(api, &made.plaintext).sign();
        api.register(made, report).header("dpop", proof)
    }
}

/// The `ath` of a token.
pub(crate) fn hash(plaintext: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(plaintext.as_bytes()))
}

/// A part of a JWS.
pub(crate) fn part(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// A proof before it is signed.
#[derive(Clone)]
pub(crate) struct Proof<'a> {
    device: &'a Device,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Proof<'_> {
    /// With another value at a JSON pointer of the header.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// With another claim.
    #[must_use]
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    /// With another member of the key.
    #[must_use]
    pub(crate) fn jwk(mut self, name: &str, value: Value) -> Self {
        self.header["jwk"][name] = value;
        self
    }

    /// What is signed.
    pub(crate) fn signed(&self) -> String {
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    /// The signature over any text, in base64url.
    pub(crate) fn signature_over(&self, text: &str) -> String {
        BASE64URL_NOPAD.encode(self.device.0.sign(text.as_bytes()).as_ref())
    }

    /// The proof in compact serialization.
    pub(crate) fn sign(&self) -> String {
        let signed = self.signed();
        format!("{signed}.{}", self.signature_over(&signed))
    }
}
