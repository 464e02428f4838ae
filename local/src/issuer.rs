//! An OIDC issuer for development: whoever asks gets the token they ask for. Its key is made at
//! the first start and lies in the data directory.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use muster_shared::domain::principal::{Email, Principal};
use muster_shared::environment::Clock;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;
use serde_json::{Map, Value, json};

use crate::data_dir;
use crate::error::StartError;

/// Whom the tokens are for: what stands in for the client id that the template asks for.
pub const AUDIENCE: &str = "muster";

const BITS: usize = 2048;
/// How long a token holds: a working day, and then some.
const LIFETIME: Duration = Duration::from_hours(12);

/// The key that tokens are signed with.
#[derive(Clone)]
pub(crate) struct Key {
    signing: EncodingKey,
    public: Jwk,
    id: String,
}

impl Key {
    /// The key in a file, which is made if it is not there.
    pub(crate) fn in_file(path: &Path) -> Result<Self, StartError> {
        let unusable =
            |error: &dyn std::fmt::Display| StartError::Key(path.to_owned(), error.to_string());
        let key = match std::fs::read_to_string(path) {
            Ok(pem) => RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|error| unusable(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = make().map_err(StartError::NoKey)?;
                let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
                data_dir::replace(path, pem.as_bytes()).map_err(|error| unusable(&error))?;
                key
            }
            Err(error) => return Err(unusable(&error)),
        };
        Self::new(&key).map_err(|error| unusable(&error))
    }

    /// The key of every system of this process that keeps nothing: making one takes a while.
    pub(crate) fn of_process() -> Result<Self, StartError> {
        static KEY: OnceLock<Result<Key, String>> = OnceLock::new();
        KEY.get_or_init(|| Self::new(&make()?)).clone().map_err(StartError::NoKey)
    }

    fn new(key: &RsaPrivateKey) -> Result<Self, String> {
        let told = |error: jsonwebtoken::errors::Error| error.to_string();
        let der = key.to_pkcs1_der().map_err(|error| error.to_string())?;
        let signing = EncodingKey::from_rsa_der(der.as_bytes());
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).map_err(told)?;
        let id = public.thumbprint(ThumbprintHash::SHA256).map_err(told)?;
        public.common.key_id = Some(id.clone());
        public.common.key_algorithm = Some(KeyAlgorithm::RS256);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { signing, public, id })
    }
}

fn make() -> Result<RsaPrivateKey, String> {
    RsaPrivateKey::new(&mut OsRng, BITS).map_err(|error| error.to_string())
}

/// The issuer.
pub struct Issuer {
    url: String,
    key: Key,
    clock: Arc<dyn Clock>,
}

impl Issuer {
    pub(crate) fn new(url: String, key: Key, clock: Arc<dyn Clock>) -> Self {
        Self { url, key, clock }
    }

    /// What `iss` is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The public keys.
    pub fn keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.key.public.clone()] }
    }

    /// What OIDC discovery tells.
    pub fn discovery(&self) -> Value {
        let Self { url, .. } = self;
        json!({
            "issuer": url,
            "jwks_uri": format!("{url}/.well-known/jwks.json"),
            "authorization_endpoint": format!("{url}/dev/token"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "email", "email_verified"],
        })
    }

    /// The ID token of a person whose address is verified.
    pub fn id_token(&self, email: &Email) -> String {
        let mut claims = self.claims(&format!("dev|{email}"));
        claims.insert("email".to_owned(), email.as_str().into());
        claims.insert("email_verified".to_owned(), true.into());
        claims.insert("token_use".to_owned(), "id".into());
        self.sign(&claims)
    }

    /// The token that a machine client gets for its credentials, recognisable as Cognito's are.
    /// `None` if there can be no such client.
    pub fn access_token(&self, client: &str) -> Option<String> {
        Principal::client(client).ok()?;
        let mut claims = self.claims(client);
        claims.insert("client_id".to_owned(), client.into());
        claims.insert("token_use".to_owned(), "access".into());
        Some(self.sign(&claims))
    }

    /// What every token of this issuer says, beside who it is for.
    pub fn claims(&self, subject: &str) -> Map<String, Value> {
        let now = self.clock.now();
        let claims: [(_, Value); 5] = [
            ("iss", self.url.as_str().into()),
            ("aud", AUDIENCE.into()),
            ("sub", subject.into()),
            ("iat", now.as_unix().into()),
            ("exp", now.after(LIFETIME).as_unix().into()),
        ];
        claims.into_iter().map(|(name, claim)| (name.to_owned(), claim)).collect()
    }

    /// Signs any claims at all.
    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let header = Header { kid: Some(self.key.id.clone()), ..Header::new(Algorithm::RS256) };
        // It fails only if the key is none, which it was when it was read.
        jsonwebtoken::encode(&header, claims, &self.key.signing).unwrap_or_default()
    }
}
