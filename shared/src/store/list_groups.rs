use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::domain::gate::Lane;
use crate::domain::id::TeamId;
use crate::domain::key::PublicKey;
use crate::domain::node::Status;
use crate::domain::principal::Principal;
use crate::domain::text::Group;
use crate::domain::timestamp::Timestamp;

use super::{Error, Session, keys};

/// A group: it is there while a node names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCount {
    /// Its name.
    pub name: Group,
    /// Nodes that name it.
    pub nodes: u64,
    /// Those of them that are online.
    pub online: u64,
}

/// What of a node is read.
#[derive(Deserialize)]
struct Grouped {
    group: Group,
    public_key: Option<PublicKey>,
    last_seen_at: Timestamp,
}

const OF_NODES: &[&str] = &["group", "public_key", "last_seen_at"];

impl Session {
    /// The team's groups after `after`, at most `limit`, in the order of their names.
    pub async fn list_groups(
        &self,
        team: TeamId,
        caller: &Principal,
        after: Option<&Group>,
        limit: usize,
    ) -> Result<Vec<GroupCount>, Error> {
        self.authorize(team, caller, |_| true).await?;
        let now = self.now();
        let lanes = Lane::all().map(|lane| async move {
            let nodes = keys::nodes(team, lane).only(OF_NODES);
            let mut nodes = self.walk::<Grouped>(nodes, None, None);
            let mut groups = BTreeMap::new();
            while let Some(Grouped { group, public_key, last_seen_at }) = nodes.next().await? {
                let is_online =
                    Status::of(public_key.is_some(), last_seen_at, now) == Status::Online;
                let (nodes, online) = groups.entry(group).or_insert((0, 0));
                *nodes += 1;
                *online += u64::from(is_online);
            }
            Ok::<_, Error>(groups)
        });
        let mut groups: BTreeMap<Group, (u64, u64)> = BTreeMap::new();
        for (name, (nodes, online)) in try_join_all(lanes).await?.into_iter().flatten() {
            let sums = groups.entry(name).or_default();
            *sums = (sums.0 + nodes, sums.1 + online);
        }
        let after = groups.into_iter().filter(|(name, _)| after.is_none_or(|last| name > last));
        let counts = after.map(|(name, (nodes, online))| GroupCount { name, nodes, online });
        Ok(counts.take(limit).collect())
    }
}
