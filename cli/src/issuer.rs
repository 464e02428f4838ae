//! Signing in with an OIDC issuer: an authorization code with PKCE (RFC 7636) that comes back to this
//! machine (RFC 8252), or a code that is typed in elsewhere (RFC 8628).

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, DeviceAuthorizationUrl,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::callback::Callback;
use crate::clock;
use crate::failure::Failure;
use crate::http;
use crate::terminal::complain;

/// How long a person has to sign in.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long an ID token holds where the issuer does not say.
const LIFETIME: Duration = Duration::from_mins(5);
/// Bytes that an answer may have.
const LARGEST: u64 = 256 * 1024;

/// An issuer, and this command as a client of it.
pub(crate) struct Issuer {
    url: String,
    client_id: String,
    discovered: Discovered,
    agent: ureq::Agent,
}

/// What OIDC discovery tells.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: Option<AuthUrl>,
    token_endpoint: TokenUrl,
    device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What an issuer gives to somebody who has signed in.
pub(crate) struct Tokens {
    /// Who they are.
    pub(crate) id_token: Zeroizing<String>,
    /// What gets the next ones, if the issuer gives any.
    pub(crate) refresh_token: Option<Zeroizing<String>>,
    /// When the ID token ends, in seconds since the epoch.
    pub(crate) expires_at: u64,
}

/// What stands in a token answer beside OAuth's own.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct IdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type Answer = StandardTokenResponse<IdToken, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Issuer {
    /// The issuer at an address.
    pub(crate) fn discover(issuer: &str, client_id: &str) -> Result<Self, Failure> {
        let base = http::trusted("issuer", issuer)?;
        let agent = http::agent(&base);
        let url =
            format!("{}/.well-known/openid-configuration", base.as_str().trim_end_matches('/'));
        let failed = |why: String| Failure::SignIn { issuer: issuer.to_owned(), why };
        let mut answer = agent.get(&url).call().map_err(|error| Failure::Unreachable {
            control: issuer.to_owned(),
            why: error.to_string(),
        })?;
        let text = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
        let discovered = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let discovered: Discovered =
            discovered.ok_or_else(|| failed("its discovery document can't be read".to_owned()))?;
        if discovered.issuer != issuer {
            return Err(failed(format!("it says that it is {}", discovered.issuer)));
        }
        let token = http::trusted("issuer's token endpoint", discovered.token_endpoint.as_str())?;
        // Another issuer's page with one's own token endpoint would get that one's codes (a mix-up).
        let authorization = discovered.authorization_endpoint.as_ref();
        let is_its_own = authorization.is_none_or(|authorization| {
            [base.origin(), token.origin()].contains(&authorization.url().origin())
        });
        if !is_its_own {
            return Err(failed("it signs in elsewhere".to_owned()));
        }
        let (url, client_id) = (issuer.to_owned(), client_id.to_owned());
        Ok(Self { url, client_id, discovered, agent })
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// This command's id there.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Signs somebody in by the browser of this machine.
    pub(crate) fn sign_in_here(&self) -> Result<Tokens, Failure> {
        let authorization = self.discovered.authorization_endpoint.clone();
        let authorization =
            authorization.ok_or_else(|| self.failed("it has no sign-in by browser"))?;
        let callback = Callback::listen()?;
        let redirect = RedirectUrl::new(callback.url().to_owned());
        let redirect = redirect.map_err(|error| self.failed(error))?;
        let client = self.client().set_auth_uri(authorization).set_redirect_uri(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let asked = client.authorize_url(CsrfToken::new_random).add_scopes(self.scopes());
        let (url, state) = asked.set_pkce_challenge(challenge).url();
        complain!("Sign in in the browser. If none opens, go to\n{url}");
        // Apart, for a browser in the terminal returns only when it is closed.
        let opened = url.to_string();
        std::thread::spawn(move || webbrowser::open(&opened));
        let says_who = self.discovered.authorization_response_iss_parameter_supported;
        let code = callback.code(state.secret(), &self.url, says_who, PATIENCE)?;
        let exchange = client.exchange_code(AuthorizationCode::new(code));
        let answer = exchange.set_pkce_verifier(verifier).request(&|sent| self.send(sent));
        self.tokens(&answer.map_err(|error| self.refused(&error))?)
    }

    /// Signs somebody in by a browser that is elsewhere.
    pub(crate) fn sign_in_elsewhere(&self) -> Result<Tokens, Failure> {
        let device = self.discovered.device_authorization_endpoint.clone();
        let device = device.ok_or_else(|| {
            self.failed("it has no sign-in by a code; sign in on a machine that has a browser")
        })?;
        http::trusted("issuer's device endpoint", device.as_str())?;
        let client = self.client().set_device_authorization_url(device);
        let send = |sent| self.send(sent);
        let details: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scopes(self.scopes())
            .request(&send)
            .map_err(|error| self.refused(&error))?;
        complain!(
            "Go to {} on any device, and enter the code {}",
            details.verification_uri().as_str(),
            details.user_code().secret()
        );
        let asked = client.exchange_device_access_token(&details);
        let answer = asked.request(&send, std::thread::sleep, Some(PATIENCE));
        self.tokens(&answer.map_err(|error| self.refused(&error))?)
    }

    /// New tokens for somebody who has signed in before.
    pub(crate) fn renew(&self, refresh_token: &str) -> Result<Tokens, Failure> {
        let refresh_token = RefreshToken::new(refresh_token.to_owned());
        let asked = self.client();
        let answer = asked.exchange_refresh_token(&refresh_token).request(&|sent| self.send(sent));
        match answer {
            Ok(answer) => self.tokens(&answer),
            // It is at its end, or was taken back.
            Err(RequestTokenError::ServerResponse(said))
                if *said.error() == BasicErrorResponseType::InvalidGrant =>
            {
                Err(Failure::SignedOut)
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn client(&self) -> Client {
        oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(self.discovered.token_endpoint.clone())
            // It has no secret: its name stands in the form.
            .set_auth_type(AuthType::RequestBody)
    }

    /// An issuer that knows `offline_access` gives a refresh token for it, others do so unasked.
    fn scopes(&self) -> Vec<Scope> {
        let offline = "offline_access";
        let offers = self.discovered.scopes_supported.iter().any(|scope| scope == offline);
        let scopes = ["openid", "email"].into_iter().chain(offers.then_some(offline));
        scopes.map(|scope| Scope::new(scope.to_owned())).collect()
    }

    fn send(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let body = body.with_config().limit(LARGEST).read_to_vec()?;
        Ok(HttpResponse::from_parts(parts, body))
    }

    fn tokens(&self, answer: &Answer) -> Result<Tokens, Failure> {
        let id_token = answer.extra_fields().id_token.clone().map(Zeroizing::new);
        let id_token = id_token.ok_or_else(|| self.failed("no ID token came"))?;
        let soon = || clock::unix(clock::now() + LIFETIME);
        Ok(Tokens {
            expires_at: end_of(&id_token).unwrap_or_else(soon),
            id_token,
            refresh_token: answer
                .refresh_token()
                .map(|token| Zeroizing::new(token.secret().clone())),
        })
    }

    fn refused<T>(&self, error: &RequestTokenError<ureq::Error, T>) -> Failure
    where
        T: oauth2::ErrorResponse + std::fmt::Display + 'static,
    {
        match error {
            RequestTokenError::ServerResponse(said) => self.failed(said),
            RequestTokenError::Request(error) => {
                Failure::Unreachable { control: self.url.clone(), why: error.to_string() }
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                self.failed("its answer can't be read")
            }
        }
    }

    fn failed(&self, why: impl std::fmt::Display) -> Failure {
        Failure::SignIn { issuer: self.url.clone(), why: why.to_string() }
    }
}

/// When a JWT says that it ends. What `expires_in` says is of the access token.
fn end_of(jwt: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
    }
    let claims = BASE64URL_NOPAD.decode(jwt.split('.').nth(1)?.as_bytes()).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.exp)
}
