//! What clients ask for.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use lambda_http::http::Method;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// A token that was made, and what it is to admit.
#[derive(Debug)]
pub struct Token {
    /// Its team.
    pub team: String,
    /// Its id.
    pub id: String,
    /// Its plaintext.
    pub plaintext: String,
    /// How many nodes it admits.
    pub max_uses: Option<u64>,
    /// The first second at which it admits nothing any more.
    pub expires_at: Option<i64>,
    /// Uses that had passed before the history began.
    pub worn: u64,
    /// Whether a member made it for a device of their own.
    pub self_enrolled: bool,
}

/// A device that speaks for itself, or what says that it is one.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its team.
    pub team: String,
    /// Its hostname.
    pub hostname: String,
    /// The number of the key that it has.
    pub key: u8,
}

/// A request of somebody, or of a machine.
#[derive(Debug, Clone)]
pub struct Request {
    /// The e-mail address of who asks; none for a machine.
    pub by: Option<String>,
    /// What for.
    pub want: Want,
}

/// What is wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields say what they are by their names")]
pub enum Want {
    /// A team of one's own.
    CreateTeam,
    /// Somebody in the team.
    AddMember { team: String, who: String, role: &'static str },
    /// Another role for somebody.
    SetRole { team: String, who: String, role: &'static str },
    /// Somebody out of the team.
    RemoveMember { team: String, who: String },
    /// A token, for so many uses, that expires at this time.
    CreateToken { team: String, max_uses: Option<u64>, expires_at: Option<(i64, String)> },
    /// A token for a device of one's own.
    SelfEnroll { team: String },
    /// A token stopped.
    Revoke(Arc<Token>),
    /// To be let in, under a hostname, with the key of this number, saying this of itself.
    Register { token: Arc<Token>, hostname: String, key: Option<u8>, name: Option<String> },
    /// To be heard of.
    Beat(Device),
    /// To see the own node.
    SeeOwn(Device),
    /// Out of the team, at one's own request.
    Leave(Device),
    /// A node out of the team.
    RemoveNode { team: String, hostname: String },
    /// To see what there is under a path of the team.
    See { team: String, what: &'static str },
    /// To see a token.
    SeeToken(Arc<Token>),
    /// A sweep after removed members, by the stream or the schedule. Nobody asks for it over HTTP.
    Cascade,
}

impl Request {
    /// As HTTP: method, path and body.
    pub(crate) fn http(&self) -> (Method, String, Value) {
        let team = |team: &str, rest: &str| format!("/api/teams/{team}/{rest}");
        let encoded = |who: &str| who.replace('@', "%40");
        let own = |device: &Device, rest: &str| {
            let Device { team, hostname, .. } = device;
            format!("/api/nodes/self{rest}?team_id={team}&hostname={hostname}")
        };
        match &self.want {
            Want::CreateTeam => (Method::POST, "/api/teams".to_owned(), json!({ "name": "Team" })),
            Want::AddMember { team: of, who, role } => {
                (Method::POST, team(of, "members"), json!({ "email": who, "role": role }))
            }
            Want::SetRole { team: of, who, role } => {
                let path = team(of, &format!("members/{}", encoded(who)));
                (Method::PATCH, path, json!({ "role": role }))
            }
            Want::RemoveMember { team: of, who } => {
                (Method::DELETE, team(of, &format!("members/{}", encoded(who))), Value::Null)
            }
            Want::CreateToken { team: of, max_uses, expires_at } => {
                let expires_at = expires_at.as_ref().map(|(_, text)| text);
                let body =
                    json!({ "name": "token", "max_uses": max_uses, "expires_at": expires_at });
                (Method::POST, team(of, "registration-tokens"), body)
            }
            Want::SelfEnroll { team: of } => {
                (Method::POST, team(of, "self-enroll"), json!({ "name": "laptop" }))
            }
            Want::Revoke(token) => {
                let path = team(&token.team, &format!("registration-tokens/{}", token.id));
                (Method::DELETE, path, Value::Null)
            }
            Want::Register { token, hostname, name, .. } => {
                let body = json!({ "token": token.plaintext, "hostname": hostname, "name": name });
                (Method::POST, "/api/register-node".to_owned(), body)
            }
            Want::Beat(device) => (Method::POST, own(device, "/heartbeat"), json!({})),
            Want::SeeOwn(device) => (Method::GET, own(device, ""), Value::Null),
            Want::Leave(device) => (Method::DELETE, own(device, ""), Value::Null),
            Want::RemoveNode { team: of, hostname } => {
                (Method::DELETE, team(of, &format!("nodes/{hostname}")), Value::Null)
            }
            Want::See { team: of, what } => (Method::GET, team(of, what), Value::Null),
            Want::SeeToken(token) => {
                let path = team(&token.team, &format!("registration-tokens/{}", token.id));
                (Method::GET, path, Value::Null)
            }
            Want::Cascade => (Method::GET, String::new(), Value::Null),
        }
    }

    /// The number of the key that it is proved with.
    pub(crate) fn key(&self) -> Option<u8> {
        match &self.want {
            Want::Register { key, .. } => *key,
            Want::Beat(device) | Want::SeeOwn(device) | Want::Leave(device) => Some(device.key),
            _ => None,
        }
    }

    /// The team that it is about; a new one has no name yet.
    pub fn team(&self) -> Option<&str> {
        match &self.want {
            Want::CreateTeam | Want::Cascade => None,
            Want::AddMember { team, .. }
            | Want::SetRole { team, .. }
            | Want::RemoveMember { team, .. }
            | Want::CreateToken { team, .. }
            | Want::SelfEnroll { team }
            | Want::RemoveNode { team, .. }
            | Want::See { team, .. } => Some(team),
            Want::Revoke(token) | Want::SeeToken(token) | Want::Register { token, .. } => {
                Some(&token.team)
            }
            Want::Beat(device) | Want::SeeOwn(device) | Want::Leave(device) => Some(&device.team),
        }
    }
}

/// The public key of a number, as the table and the API have it.
pub fn public_key(key: u8) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[key; 32]);
    pair.map(|pair| BASE64URL_NOPAD.encode(pair.public_key().as_ref())).unwrap_or_default()
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with key {}", self.hostname, self.key)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.as_deref().unwrap_or("machine");
        match &self.want {
            Want::CreateTeam => write!(f, "{by}: create team"),
            Want::AddMember { who, role, .. } => write!(f, "{by}: add {who} as {role}"),
            Want::SetRole { who, role, .. } => write!(f, "{by}: make {who} {role}"),
            Want::RemoveMember { who, .. } => write!(f, "{by}: remove {who}"),
            Want::CreateToken { max_uses, expires_at, .. } => {
                write!(f, "{by}: create token, uses {max_uses:?}, expires {expires_at:?}")
            }
            Want::SelfEnroll { .. } => write!(f, "{by}: self-enroll"),
            Want::Revoke(token) => write!(f, "{by}: revoke {}", token.id),
            Want::Register { token, hostname, key, name } => {
                write!(f, "register {hostname} key {key:?} name {name:?} by {}", token.id)
            }
            Want::Beat(device) => write!(f, "{device} is there"),
            Want::SeeOwn(device) => write!(f, "{device} looks at itself"),
            Want::Leave(device) => write!(f, "{device} leaves"),
            Want::RemoveNode { hostname, .. } => write!(f, "{by}: remove node {hostname}"),
            Want::See { what, .. } => write!(f, "{by}: see {what}"),
            Want::SeeToken(token) => write!(f, "{by}: see {}", token.id),
            Want::Cascade => write!(f, "sweep"),
        }
    }
}
