use futures_util::future::try_join_all;

use crate::domain::gate::Lane;
use crate::domain::hostname::Hostname;
use crate::domain::id::{TeamId, TokenId};
use crate::domain::node::{Node, Status};
use crate::domain::principal::Principal;
use crate::domain::text::{Group, Kind, Tag};
use crate::domain::timestamp::Timestamp;

use super::{Error, Session, keys};

/// Nodes that a lane reads at a time where only some are admitted: 16 lanes of full pages would be
/// more than a function has memory for.
const SEARCHED_PAGE: i32 = 250;

/// Which nodes are asked for. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeQuery {
    /// Nodes that counted on this token.
    pub token: Option<TokenId>,
    /// Nodes of this group.
    pub group: Option<Group>,
    /// Nodes of this kind.
    pub kind: Option<Kind>,
    /// Nodes with this tag.
    pub tag: Option<Tag>,
    /// Nodes in this state.
    pub status: Option<Status>,
    /// Nodes whose hostname, name or address contains this, in whatever case.
    pub q: Option<String>,
}

impl NodeQuery {
    fn is_open(&self) -> bool {
        *self == Self::default()
    }

    fn admits(&self, node: &Node, now: Timestamp) -> bool {
        self.token.is_none_or(|token| node.counted.contains(token))
            && self.group.as_ref().is_none_or(|group| node.group == *group)
            && self.kind.as_ref().is_none_or(|kind| node.kind == *kind)
            && self.tag.as_ref().is_none_or(|tag| node.tags.as_slice().contains(tag))
            && self.status.is_none_or(|status| node.status(now) == status)
            && self.q.as_ref().is_none_or(|q| is_found(node, &q.to_lowercase()))
    }
}

fn is_found(node: &Node, q: &str) -> bool {
    node.hostname.as_str().contains(q)
        || node.name.as_ref().is_some_and(|name| name.as_str().to_lowercase().contains(q))
        || node.ip_address.is_some_and(|ip| ip.to_string().contains(q))
        || node.private_ip.is_some_and(|ip| ip.to_string().contains(q))
}

impl Session {
    /// The team's nodes that the query admits, after `after`, at most `limit`, in the order of
    /// their hostnames.
    pub async fn list_nodes(
        &self,
        team: TeamId,
        caller: &Principal,
        query: &NodeQuery,
        after: Option<&Hostname>,
        limit: usize,
    ) -> Result<Vec<Node>, Error> {
        self.authorize(team, caller, |_| true).await?;
        let now = self.now();
        // Where every node is admitted, no more are read than can be shown.
        let page = if query.is_open() { i32::try_from(limit).ok() } else { Some(SEARCHED_PAGE) };
        let lanes = Lane::all().map(|lane| async move {
            let start = after.map(|hostname| keys::after_node(team, lane, hostname));
            let mut nodes = self.walk::<Node>(keys::nodes(team, lane), start.as_ref(), page);
            let mut found = Vec::new();
            while found.len() < limit
                && let Some(node) = nodes.next().await?
            {
                if query.admits(&node, now) {
                    found.push(node);
                }
            }
            Ok::<_, Error>(found)
        });
        let mut nodes: Vec<Node> = try_join_all(lanes).await?.into_iter().flatten().collect();
        nodes.sort_by(|a, b| a.hostname.cmp(&b.hostname));
        nodes.truncate(limit);
        Ok(nodes)
    }
}
