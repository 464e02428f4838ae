use crate::domain::heartbeat::{APART, Heartbeat};
use crate::domain::node::Node;

use super::conditions::DEVICE_UNHEARD;
use super::device::Device;
use super::entity::from_item;
use super::session::until_settled;
use super::table::{Failure, Write};
use super::{Error, Session, keys};

impl Session {
    /// Writes down that a device was heard of, and what it says of itself, unless it was heard of just
    /// now. Its node's version stays: whoever has read the node and writes it loses a heartbeat at the
    /// most.
    pub async fn record_heartbeat(
        &self,
        device: &Device,
        heartbeat: &Heartbeat,
    ) -> Result<Node, Error> {
        until_settled!(self, {
            let now = self.now();
            let heard = Write::update(
                keys::node(device.team, &device.hostname),
                "SET last_seen_at = :now, heartbeat = :heartbeat",
            );
            let heard = heard
                .when(DEVICE_UNHEARD)
                .value(":now", now)?
                .value(":heartbeat", heartbeat)?
                .value(":key", device.key)?
                .value(":earlier", now.before(APART))?;
            match self.update(heard).await {
                Ok(item) => Ok(from_item(item)?),
                Err(Failure::Condition(as_it_is)) => {
                    let node = as_it_is.map(from_item).transpose()?;
                    Ok(device.own(node)?)
                }
                Err(failure) => Err(failure.into()),
            }
        })
    }
}
