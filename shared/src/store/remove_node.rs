use crate::domain::hostname::Hostname;
use crate::domain::id::TeamId;
use crate::domain::node::Node;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;

use super::conditions::NODE_AS_READ;
use super::session::until_settled;
use super::table::{Fault, Write};
use super::{Error, Session, keys};

impl Session {
    /// Removes a node and gives its address back.
    pub async fn remove_node(
        &self,
        team: TeamId,
        caller: &Principal,
        hostname: &Hostname,
    ) -> Result<(), Error> {
        until_settled!(self, {
            self.authorize(team, caller, Role::manages_tokens).await?;
            let node: Option<Node> = self.get(&keys::node(team, hostname)).await?;
            let node = node.ok_or(Refusal::NotFound)?;
            Ok(self.send(removing(team, &node)?).await?)
        })
    }
}

/// The writes that remove a node together with its address.
pub(super) fn removing(team: TeamId, node: &Node) -> Result<Vec<Write>, Fault> {
    let gone = Write::delete(keys::node(team, &node.hostname));
    let mut writes = vec![gone.when(NODE_AS_READ).value(":read", node.version)?];
    writes.extend(node.private_ip.map(|ip| Write::delete(keys::address(team, ip))));
    Ok(writes)
}
