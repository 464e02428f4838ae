use crate::domain::hostname::Hostname;
use crate::domain::id::TeamId;
use crate::domain::key::PublicKey;
use crate::domain::node::Node;
use crate::domain::refusal::Refusal;

use super::{Error, Session, keys};

/// A device that speaks for itself.
#[derive(Debug, Clone)]
pub struct Device {
    /// The team that it is in.
    pub team: TeamId,
    /// What it is known by there.
    pub hostname: Hostname,
    /// The key that it has proved to hold.
    pub key: PublicKey,
}

impl Device {
    /// The node, if it is this device. One that another key speaks for does not exist for it.
    pub(super) fn own(&self, node: Option<Node>) -> Result<Node, Refusal> {
        node.filter(|node| node.public_key == Some(self.key)).ok_or(Refusal::NotFound)
    }
}

impl Session {
    /// A device's own node.
    pub async fn own_node(&self, device: &Device) -> Result<Node, Error> {
        let node = self.get(&keys::node(device.team, &device.hostname)).await?;
        Ok(device.own(node)?)
    }
}
