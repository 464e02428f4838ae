//! The events of calls, made of the sample events that API Gateway and the stream send.

use axum::body::Bytes;
use data_encoding::BASE64URL_NOPAD;
use muster_shared::domain::key::PublicKey;
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::environment::Environment;
use muster_shared::http::Endpoint;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Map, Value, json};

use super::team::{OWNER, Team};
use crate::Error;

const CALL: &str = include_str!("../../../tests/events/create-token.json");
const REGISTRATION: &str = include_str!("../../../tests/events/register-node.json");
const BEAT: &str = include_str!("../../../tests/events/record-heartbeat.json");
const RECORDS: &str = include_str!("../../../tests/events/member-cascade.json");
const ROUND: &str = include_str!("../../../tests/events/member-cascade.schedule.json");
const HOST: &str = "r3pmxmplak.execute-api.us-east-1.amazonaws.com";

fn sample(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(Error::scene)
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a member of an object that is there, by its JSON pointer.
fn set(event: &mut Value, pointer: &str, value: impl Into<Value>) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(parent)) = event.pointer_mut(parent)
    {
        parent.insert(name.to_owned(), value.into());
    }
}

/// A call of an endpoint.
#[derive(Debug, Default)]
pub struct Call<'a> {
    /// By whom, if not by the owner.
    pub who: Option<&'a str>,
    /// The parameter of the path besides the team, and its value.
    pub at: Option<(&'a str, String)>,
    /// The query.
    pub query: &'a str,
    /// The body.
    pub body: Option<Value>,
}

impl Call<'_> {
    /// The event.
    pub fn event(self, endpoint: &Endpoint, team: &Team) -> Result<Bytes, Error> {
        let mut parameters = Map::from_iter([("team_id".to_owned(), team.id.to_string().into())]);
        parameters.extend(self.at.map(|(name, value)| (name.to_owned(), value.into())));
        let mut path = endpoint.path.to_owned();
        for (name, value) in &parameters {
            path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        let mut event = sample(CALL)?;
        set(&mut event, "/routeKey", route(endpoint));
        set(&mut event, "/rawPath", path.clone());
        set(&mut event, "/rawQueryString", self.query);
        set(&mut event, "/headers/host", HOST);
        set(&mut event, "/requestContext/routeKey", route(endpoint));
        set(&mut event, "/requestContext/http/method", endpoint.method.as_str());
        set(&mut event, "/requestContext/http/path", path);
        let who = self.who.unwrap_or(OWNER);
        set(&mut event, "/requestContext/authorizer/jwt/claims/email", who);
        set(&mut event, "/pathParameters", parameters);
        set(&mut event, "/body", self.body.map(|body| body.to_string()));
        Ok(event.to_string().into())
    }
}

/// The key of an endpoint's route.
pub fn route(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.method, endpoint.path)
}

/// The registration of the sample's machine under a hostname, with `changes` to what it says.
pub fn registration(
    plaintext: &str,
    hostname: &str,
    changes: &Value,
    device: Option<&Device>,
) -> Result<Bytes, Error> {
    let mut event = sample(REGISTRATION)?;
    let mut body = sample(text(&event, "/body"))?;
    set(&mut body, "/token", plaintext);
    set(&mut body, "/hostname", hostname);
    for (name, value) in changes.as_object().into_iter().flatten() {
        set(&mut body, &format!("/{name}"), value.clone());
    }
    set(&mut event, "/headers/host", HOST);
    if let Some(device) = device {
        let proof = device.proof("POST", "/api/register-node", Some(plaintext));
        set(&mut event, "/headers/dpop", proof);
    }
    set(&mut event, "/body", body.to_string());
    Ok(event.to_string().into())
}

/// What the device of a hostname calls about itself.
pub fn spoken(
    endpoint: &Endpoint,
    team: &Team,
    hostname: &str,
    device: &Device,
) -> Result<Bytes, Error> {
    let mut event = sample(BEAT)?;
    let (method, path) = (endpoint.method.as_str(), endpoint.path);
    let query = json!({ "team_id": team.id.to_string(), "hostname": hostname });
    set(&mut event, "/routeKey", route(endpoint));
    set(&mut event, "/rawPath", path);
    set(&mut event, "/rawQueryString", format!("team_id={}&hostname={hostname}", team.id));
    set(&mut event, "/queryStringParameters", query);
    set(&mut event, "/headers/host", HOST);
    set(&mut event, "/headers/dpop", device.proof(method, path, None));
    set(&mut event, "/requestContext/routeKey", route(endpoint));
    set(&mut event, "/requestContext/http/method", method);
    set(&mut event, "/requestContext/http/path", path);
    Ok(event.to_string().into())
}

/// The stream's record of a member's removal.
pub fn removal(team: &Team, who: &str, membership: &str) -> Result<Bytes, Error> {
    let mut event = sample(RECORDS)?;
    for keys in ["Keys", "OldImage"] {
        let at = |name: &str| format!("/Records/0/dynamodb/{keys}/{name}/S");
        set(&mut event, &at("pk"), format!("TEAM#{}", team.id));
        set(&mut event, &at("sk"), format!("MEMBER#{who}"));
    }
    set(&mut event, "/Records/0/dynamodb/OldImage/membership/S", membership);
    set(&mut event, "/Records/0/dynamodb/OldImage/principal/S", who);
    Ok(event.to_string().into())
}

/// A round of the schedule.
pub fn round() -> Bytes {
    Bytes::from_static(ROUND.as_bytes())
}

/// A device with a key of its own.
#[derive(Debug)]
pub struct Device(Ed25519KeyPair);

impl Device {
    /// One that has just drawn its key.
    pub fn new() -> Result<Self, Error> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(Error::scene)?;
        Ed25519KeyPair::from_pkcs8(key.as_ref()).map(Self).map_err(Error::scene)
    }

    /// Its public key.
    pub fn key(&self) -> Result<PublicKey, Error> {
        BASE64URL_NOPAD.encode(self.0.public_key().as_ref()).parse().map_err(Error::scene)
    }

    /// Its proof for one request (RFC 9449), and for the token that it presents.
    fn proof(&self, method: &str, path: &str, plaintext: Option<&str>) -> String {
        let x = BASE64URL_NOPAD.encode(self.0.public_key().as_ref());
        let header = json!({
            "typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x},
        });
        let mut claims = json!({
            "jti": "e1j3V_bKic8-LAEB", "htm": method, "htu": format!("https://{HOST}{path}"),
            "iat": Environment::system().clock.now().as_unix(),
        });
        if let Some(plaintext) = plaintext {
            let hash = BASE64URL_NOPAD.encode(digest(&SHA256, plaintext.as_bytes()).as_ref());
            set(&mut claims, "/ath", hash);
        }
        let part = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64URL_NOPAD.encode(self.0.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}

/// A token that is malformed: its last character is missing.
pub fn damaged(plaintext: &Plaintext) -> String {
    let mut text = plaintext.expose().to_string();
    text.pop();
    text
}
