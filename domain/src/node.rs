//! Nodes: what a team has let in.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::address::PrivateIp;
use super::heartbeat::Heartbeat;
use super::hostname::Hostname;
use super::id::{MembershipId, NodeId, TokenId};
use super::key::PublicKey;
use super::text::{Group, Kind, Meta, Name, OperatingSystem, Tags};
use super::timestamp::Timestamp;
use super::version::Version;

/// How many tokens a node remembers having counted on.
pub const REMEMBERED_TOKENS: usize = 32;
/// A device is online if it was seen within this time.
pub const ONLINE_WITHIN: Duration = Duration::from_mins(15);

/// The token, and its membership, that a node last enrolled through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sponsor {
    /// The token.
    pub token: TokenId,
    /// The membership that the token was made in.
    pub membership: MembershipId,
}

/// The last [`REMEMBERED_TOKENS`] tokens that a node counted on, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counted(Vec<TokenId>);

impl Counted {
    /// Whether the node has counted on `token`.
    pub fn contains(&self, token: TokenId) -> bool {
        self.0.contains(&token)
    }

    /// Remembers `token`, and forgets the oldest where there are too many.
    pub fn push(&mut self, token: TokenId) {
        if self.0.len() >= REMEMBERED_TOKENS {
            self.0.remove(0);
        }
        self.0.push(token);
    }
}

/// A machine, container, pod, service or device of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Which of its states this is.
    pub version: Version,
    /// What it is known by.
    pub hostname: Hostname,
    /// A name for people.
    pub name: Option<Name>,
    /// The address it gives as its own.
    pub ip_address: Option<IpAddr>,
    /// What it is.
    pub kind: Kind,
    /// The group it belongs to.
    pub group: Group,
    /// Its tags.
    pub tags: Tags,
    /// Free-form facts.
    pub meta: Option<Meta>,
    /// Its operating system, as it registered.
    pub os: Option<OperatingSystem>,
    /// What a device has said of itself with its last heartbeat.
    pub heartbeat: Option<Heartbeat>,
    /// A device's key.
    pub public_key: Option<PublicKey>,
    /// A device's address.
    pub private_ip: Option<PrivateIp>,
    /// What it last enrolled through.
    pub sponsor: Sponsor,
    /// The tokens it counted on.
    pub counted: Counted,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When what is known of it last changed.
    pub updated_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
}

impl Node {
    /// Its operating system, as it said last.
    pub fn os(&self) -> Option<&OperatingSystem> {
        self.heartbeat.as_ref().and_then(|heartbeat| heartbeat.os.as_ref()).or(self.os.as_ref())
    }

    /// Whether the node is heard of.
    pub fn status(&self, now: Timestamp) -> Status {
        Status::of(self.public_key.is_some(), self.last_seen_at, now)
    }
}

/// Whether a node is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A device seen within [`ONLINE_WITHIN`].
    Online,
    /// A device not seen for longer.
    Offline,
    /// A node without a key, which sends no heartbeats.
    Unmonitored,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Online, Self::Offline, Self::Unmonitored];

    /// The status at `now` of a node that was last heard of at `last_seen_at`.
    pub fn of(is_device: bool, last_seen_at: Timestamp, now: Timestamp) -> Self {
        if !is_device {
            Self::Unmonitored
        } else if now.since(last_seen_at) <= ONLINE_WITHIN {
            Self::Online
        } else {
            Self::Offline
        }
    }

    /// The status as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Unmonitored => "unmonitored",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(Invalid("must be online, offline or unmonitored"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_remembers_the_last_32_tokens() {
        let token = |n: u8| TokenId::from_bytes([n; 8]);
        let mut counted = Counted::default();
        for n in 0..33 {
            counted.push(token(n));
        }
        assert!(!counted.contains(token(0)));
        assert!((1..33).all(|n| counted.contains(token(n))));
    }
}
