//! An OIDC issuer for development: whoever asks gets the token they ask for, and whoever signs in is
//! who they say. Its key is made at the first start and lies in the data directory.

mod authorize;
mod codes;
mod device;
mod grants;
mod key;
mod parameters;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, Header};
use muster_shared::domain::principal::{Email, Principal};
use muster_shared::environment::{Clock, Entropy, Environment};
use serde_json::{Map, Value, json};

use authorize::Granted;
use codes::Codes;
use device::Waiting;

pub(crate) use authorize::Refused;
pub(crate) use grants::Denied;
pub(crate) use key::Key;
pub(crate) use parameters::Parameters;

/// Whom the tokens are for: what stands in for the client id that the template asks for.
pub const AUDIENCE: &str = "muster";

/// How long a token holds: a working day, and then some.
const LIFETIME: Duration = Duration::from_hours(12);

/// The issuer.
pub struct Issuer {
    url: String,
    key: Key,
    clock: Arc<dyn Clock>,
    /// Draws codes. It is never the one of a test: no two codes may be alike.
    entropy: Arc<dyn Entropy>,
    codes: Mutex<Codes<Granted>>,
    devices: Mutex<Codes<Waiting>>,
}

impl Issuer {
    pub(crate) fn new(url: String, key: Key, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            key,
            clock,
            entropy: Environment::system().entropy,
            codes: Mutex::new(Codes::new(authorize::LIFETIME)),
            devices: Mutex::new(Codes::new(device::LIFETIME)),
        }
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
            "authorization_endpoint": format!("{url}/dev/authorize"),
            "token_endpoint": self.token_endpoint(),
            "device_authorization_endpoint": format!("{url}/dev/oauth/device"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [grants::CODE, grants::REFRESH, grants::DEVICE],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": true,
            "scopes_supported": ["openid", "email"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "email", "email_verified"],
        })
    }

    fn token_endpoint(&self) -> String {
        format!("{}/dev/oauth/token", self.url)
    }

    /// The ID token of a person whose address is verified.
    pub fn id_token(&self, email: &Email) -> String {
        self.id_token_for(email, None)
    }

    /// The same for a sign-in that brought a nonce, which says that it answers this one.
    fn id_token_for(&self, email: &Email, nonce: Option<String>) -> String {
        let mut claims = self.claims(&subject(email));
        claims.insert("email".to_owned(), email.as_str().into());
        claims.insert("email_verified".to_owned(), true.into());
        claims.insert("token_use".to_owned(), "id".into());
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
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

    /// A code that nobody guesses.
    fn code(&self) -> String {
        let mut code = [0; 32];
        self.entropy.fill(&mut code);
        BASE64URL_NOPAD.encode(&code)
    }
}

fn subject(email: &Email) -> String {
    format!("dev|{email}")
}
