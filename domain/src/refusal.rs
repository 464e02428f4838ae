//! Everything that can be refused for a reason of the product's own.

use super::id::NodeId;
use super::node::Node;
use super::timestamp::Timestamp;

/// The node that has a hostname. Only who holds a token's secret is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub node: NodeId,
    /// Since when it is there.
    pub since: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
}

impl From<&Node> for Holder {
    fn from(node: &Node) -> Self {
        Self { node: node.id, since: node.created_at, last_seen_at: node.last_seen_at }
    }
}

/// Why a request was refused. What the caller reads of it is decided in the HTTP layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such token, or another secret.
    #[error("no token has this plaintext")]
    InvalidToken,
    /// The token was revoked.
    #[error("the token was revoked")]
    TokenRevoked,
    /// The token's time is over.
    #[error("the token has expired")]
    TokenExpired,
    /// The token's uses are used up, and this node is not among them.
    #[error("the token is exhausted")]
    TokenExhausted,
    /// The token does not admit the node's resulting kind.
    #[error("the token does not admit this kind of node")]
    KindNotAllowed,
    /// The token admits only devices.
    #[error("the token asks for a key")]
    KeyRequired,
    /// The hostname is a device's with another key, or reached by a token that may not.
    #[error("the hostname belongs to {}", .0.node)]
    HostnameConflict(Holder),
    /// The caller's role does not suffice.
    #[error("the caller's role does not suffice")]
    Forbidden,
    /// There is no such thing, or it is not the caller's to see.
    #[error("there is no such thing")]
    NotFound,
    /// The team would be left without an owner.
    #[error("the team would be left without an owner")]
    LastOwner,
    /// The principal is a member already.
    #[error("the principal is a member already")]
    AlreadyMember,
}
