//! This machine's node, as the control plane shows it.

use std::net::Ipv4Addr;

use muster_domain::hostname::Hostname;
use muster_domain::id::{NodeId, TeamId};
use muster_domain::text::{Group, Kind, Tag};
use serde::{Deserialize, Serialize};

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Its id.
    pub(crate) id: NodeId,
    /// The team that it is in.
    pub(crate) team_id: TeamId,
    /// What it is known by there.
    pub(crate) hostname: Hostname,
    /// What kind it is.
    pub(crate) kind: Kind,
    /// The group that it is in.
    pub(crate) group: Group,
    /// Its tags.
    pub(crate) tags: Vec<Tag>,
    /// Its address in the team's network.
    pub(crate) private_ip: Option<Ipv4Addr>,
    /// `online` or `offline`.
    pub(crate) status: String,
    /// When it was last heard of.
    pub(crate) last_seen_at: String,
}
