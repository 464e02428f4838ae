//! One request on its way through an endpoint.

use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};

use crate::domain::Invalid;
use crate::domain::id::{TeamId, TokenId};
use crate::domain::key::PublicKey;
use crate::domain::plaintext::Plaintext;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::timestamp::Timestamp;
use crate::environment::SignIn;
use crate::store::{Device, Fault, Session};

use super::claims;
use super::fields::{Fields, text};
use super::problem::Problem;
use super::proof::{self, Expected, ProofError};

/// Bytes that a body may have.
pub const BODY_BYTES: usize = 64 * 1024;

/// What the log is told of a request besides its outcome.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) team: OnceLock<TeamId>,
    pub(super) token: OnceLock<TokenId>,
    pub(super) enrollment: OnceLock<()>,
}

/// A request and what it is answered from.
pub struct Call {
    request: Request,
    session: Arc<Session>,
    notes: Arc<Notes>,
}

impl Call {
    pub(super) fn new(request: Request, session: Arc<Session>, notes: Arc<Notes>) -> Self {
        Self { request, session, notes }
    }

    /// The store, within this request's deadline.
    pub fn store(&self) -> &Session {
        &self.session
    }

    /// The current second.
    pub fn now(&self) -> Timestamp {
        self.session.now()
    }

    /// Where people sign in.
    ///
    /// # Errors
    /// If the function was not told.
    pub fn sign_in(&self) -> Result<&SignIn, Problem> {
        let told = self.session.environment().sign_in.as_ref();
        Ok(told.ok_or_else(|| Fault::new("ISSUER and CLIENT_ID are not set"))?)
    }

    /// Who speaks, by the JWT that the authorizer has verified.
    pub fn principal(&self) -> Result<Principal, Problem> {
        let authorizer = match self.request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.authorizer.as_ref(),
            _ => None,
        };
        let jwt = authorizer.and_then(|authorizer| authorizer.jwt.as_ref());
        claims::principal(&jwt.ok_or(Problem::Unauthenticated)?.claims)
    }

    /// A parameter of the path. What is not even of its form does not exist.
    pub fn path<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let parameters = self.request.path_parameters_ref();
        let value = parameters.and_then(|parameters| parameters.first(name));
        let value = value.and_then(|value| value.parse().ok());
        value.ok_or(Problem::Refused(Refusal::NotFound))
    }

    /// The team that the path names.
    pub fn team(&self) -> Result<TeamId, Problem> {
        let team = self.path("team_id")?;
        self.note_team(team);
        Ok(team)
    }

    /// The token that the path names.
    pub fn token(&self) -> Result<TokenId, Problem> {
        let token = self.path("token_id")?;
        self.note_token(token);
        Ok(token)
    }

    /// Tells the log which team it is about.
    pub fn note_team(&self, team: TeamId) {
        self.notes.team.get_or_init(|| team);
    }

    /// Tells the log which token it is about.
    pub fn note_token(&self, token: TokenId) {
        self.notes.token.get_or_init(|| token);
    }

    /// Tells the log that a use has passed a gate.
    pub fn note_enrollment(&self) {
        self.notes.enrollment.get_or_init(|| ());
    }

    /// The fields of the body.
    pub fn body(&self) -> Result<Fields, Problem> {
        let body: &[u8] = match self.request.body() {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        };
        if body.len() > BODY_BYTES {
            return Err(Problem::TooLarge);
        }
        Fields::of_body(body)
    }

    /// The parameters of the query string.
    pub fn query(&self) -> Fields {
        let parameters = self.request.query_string_parameters_ref();
        Fields::of_query(parameters.into_iter().flat_map(|parameters| parameters.iter()))
    }

    /// The value of a header as text.
    ///
    /// An API Gateway joins several of one name with commas.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Invalid> {
        let mut values = self.request.headers().get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        match (value.to_str(), values.next()) {
            (Ok(value), None) => Ok(Some(value)),
            _ => Err(Invalid("must be given once, in ASCII")),
        }
    }

    /// The key that the `DPoP` header proves the caller to hold, together with `token` if one is
    /// presented; none without the header.
    pub fn proved_key(&self, token: Option<&Plaintext>) -> Result<Option<PublicKey>, Problem> {
        let proof = self.header("dpop").map_err(|Invalid(_)| ProofError::Malformed)?;
        let Some(proof) = proof else { return Ok(None) };
        let (method, url) = (self.request.method().as_str(), self.request.uri().to_string());
        let expected = Expected { method, url: &url, token, now: self.now() };
        Ok(Some(proof::verify(proof, expected)?))
    }

    /// The device that speaks: which one it is stands in the query.
    pub fn device(&self) -> Result<Device, Problem> {
        let mut query = self.query();
        let team = query.required("team_id", text);
        let hostname = query.required("hostname", text);
        query.finish()?;
        let (team, hostname) = (team?, hostname?);
        self.note_team(team);
        let key = self.proved_key(None)?.ok_or(Problem::NoProof)?;
        Ok(Device { team, hostname, key })
    }

    /// Scheme and authority of the request's URL, such as `https://api.example.com`.
    pub fn base(&self) -> String {
        let uri = self.request.uri();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
    }
}
