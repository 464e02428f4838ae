//! What a client gets tokens for: a code, a refresh token, or a sign-in elsewhere.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use muster_shared::domain::principal::Email;
use serde_json::{Map, Value, json};
use std::time::Duration;

use super::{AUDIENCE, Issuer, LIFETIME, Parameters, subject};

/// For a code that came back to the client.
pub(super) const CODE: &str = "authorization_code";
/// For a refresh token.
pub(super) const REFRESH: &str = "refresh_token";
/// For a sign-in on another device.
pub(super) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long a client can renew its tokens without the person; each time begins it anew.
const REFRESHABLE: Duration = Duration::from_hours(30 * 24);

/// Why there are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// A parameter is there twice.
    #[error("a parameter stands twice")]
    Twice,
    /// A parameter is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The client is not known.
    #[error("the client_id is not muster")]
    Client,
    /// What tokens are asked for does not hold.
    #[error("what was shown is unknown, used up or expired, or not this client's")]
    Grant,
    /// Nothing here is got that way.
    #[error("the grant_type must be one that the discovery document names")]
    GrantType,
    /// Nobody has signed in so far.
    #[error("nobody has typed the code in so far")]
    Pending,
    /// Nobody has, and the device asks too often.
    #[error("wait five seconds longer from now on")]
    SlowDown,
    /// Nobody has, and will any more.
    #[error("the code has expired: begin anew")]
    Expired,
}

impl Denied {
    /// What RFC 6749 and RFC 8628 call it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Twice | Self::Missing(_) => "invalid_request",
            Self::Client => "invalid_client",
            Self::Grant => "invalid_grant",
            Self::GrantType => "unsupported_grant_type",
            Self::Pending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::Expired => "expired_token",
        }
    }
}

impl Issuer {
    /// The tokens that a client asks for. There is one client, so that what is another's can't come up.
    pub(crate) fn tokens(&self, form: Option<&Parameters>) -> Result<Value, Denied> {
        let form = form.ok_or(Denied::Twice)?;
        let need = |name| form.get(name).ok_or(Denied::Missing(name));
        let grant = need("grant_type")?;
        if need("client_id")? != AUDIENCE {
            return Err(Denied::Client);
        }
        let (email, nonce) = match grant {
            CODE => self.redeem(need("code")?, need("redirect_uri")?, need("code_verifier")?)?,
            REFRESH => (self.refreshed(need("refresh_token")?)?, None),
            DEVICE => (self.device_signed_in(need("device_code")?)?, None),
            _ => return Err(Denied::GrantType),
        };
        Ok(json!({
            "id_token": self.id_token_for(&email, nonce),
            "access_token": self.access_token_of(&email),
            "refresh_token": self.refresh_token(&email),
            "token_type": "Bearer",
            "expires_in": LIFETIME.as_secs(),
        }))
    }

    /// A person's access token, which has no address in it, as Cognito's has none: the API refuses it.
    fn access_token_of(&self, email: &Email) -> String {
        let mut claims = self.claims(&subject(email));
        claims.insert("client_id".to_owned(), AUDIENCE.into());
        claims.insert("scope".to_owned(), "openid email".into());
        claims.insert("token_use".to_owned(), "access".into());
        self.sign(&claims)
    }

    /// A refresh token is signed and not kept, so that it outlasts a restart. It is for this issuer
    /// alone: the API takes it for nothing.
    fn refresh_token(&self, email: &Email) -> String {
        let mut claims = self.claims(&subject(email));
        claims.insert("aud".to_owned(), self.token_endpoint().into());
        claims.insert("email".to_owned(), email.as_str().into());
        let until = self.clock.now().after(REFRESHABLE).as_unix();
        claims.insert("exp".to_owned(), until.into());
        self.sign(&claims)
    }

    /// Whose refresh token it is.
    fn refreshed(&self, token: &str) -> Result<Email, Denied> {
        let key = DecodingKey::from_jwk(&self.key.public).map_err(|_| Denied::Grant)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[self.token_endpoint()]);
        validation.set_issuer(&[&self.url]);
        // That is judged below, by the system's own clock.
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
        let claims = decoded.map_err(|_| Denied::Grant)?.claims;
        let expires_at = claims.get("exp").and_then(Value::as_i64).ok_or(Denied::Grant)?;
        if expires_at <= self.clock.now().as_unix() {
            return Err(Denied::Grant);
        }
        let email = claims.get("email").and_then(Value::as_str).ok_or(Denied::Grant)?;
        email.parse().map_err(|_| Denied::Grant)
    }
}
