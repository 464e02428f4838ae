use super::device::Device;
use super::remove_node::removing;
use super::session::until_settled;
use super::{Error, Session};

impl Session {
    /// Removes a device at its own request, and gives its address back.
    pub async fn leave_team(&self, device: &Device) -> Result<(), Error> {
        until_settled!(self, {
            let node = self.own_node(device).await?;
            Ok(self.send(removing(device.team, &node)?).await?)
        })
    }
}
