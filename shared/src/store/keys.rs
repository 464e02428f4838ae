//! What a key looks like. Nothing else in the code knows.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::address::PrivateIp;
use crate::domain::gate::{GateNumber, Lane};
use crate::domain::hostname::Hostname;
use crate::domain::id::{MembershipId, TeamId, TokenId};
use crate::domain::principal::Principal;

use super::table::Item;

/// The name of the partition key.
pub(super) const PARTITION: &str = "pk";
/// The name of the sort key.
pub(super) const SORT: &str = "sk";

/// The attribute of a token's item that has the hash of its plaintext.
pub(super) const TOKEN_HASH: &str = "hash";

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    partition: String,
    sort: String,
}

impl Key {
    fn new(partition: String, sort: String) -> Self {
        Self { partition, sort }
    }

    /// The key as attributes.
    pub(super) fn attributes(&self) -> Item {
        Item::from([
            (PARTITION.to_owned(), AttributeValue::S(self.partition.clone())),
            (SORT.to_owned(), AttributeValue::S(self.sort.clone())),
        ])
    }

    /// The key of an item that was read.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self::new(text(PARTITION)?, text(SORT)?))
    }
}

/// Some of the items of one partition.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) partition: String,
    pub(super) sorts: Sorts,
    /// The attributes that are read; all of them, and the key, if none is named.
    pub(super) attributes: &'static [&'static str],
}

impl Range {
    fn new(partition: String, sorts: Sorts) -> Self {
        Self { partition, sorts, attributes: &[] }
    }

    /// The range, of whose items nothing but these is read.
    pub(super) fn only(self, attributes: &'static [&'static str]) -> Self {
        Self { attributes, ..self }
    }
}

/// Which of a partition's items, by their sort keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sorts {
    /// All of them.
    All,
    /// Those that begin so.
    Beginning(&'static str),
    /// Those from here to there, both included.
    Between(String, String),
}

pub(super) const TEAM: &str = "TEAM";
pub(super) const MEMBER: &str = "MEMBER#";
pub(super) const REMOVAL: &str = "REMOVAL#";
pub(super) const TOKEN: &str = "TOKEN#";
pub(super) const GATE: &str = "GATE#";
pub(super) const NODE: &str = "NODE#";
pub(super) const ADDRESS: &str = "ADDR";
const TEAM_OF: &str = "TEAM#";
const UNFINISHED: &str = "REMOVALS";

fn team_partition(team: TeamId) -> String {
    format!("TEAM#{team}")
}

fn tokens_partition(team: TeamId) -> String {
    format!("TEAM#{team}#TOKENS")
}

fn lane_partition(team: TeamId, lane: Lane) -> String {
    format!("TEAM#{team}#LANE#{}", lane.number())
}

fn gates_partition(team: TeamId, lane: Lane) -> String {
    format!("TEAM#{team}#GATES#{}", lane.number())
}

fn principal_partition(principal: &Principal) -> String {
    format!("PRINCIPAL#{principal}")
}

pub(super) fn team(team: TeamId) -> Key {
    Key::new(team_partition(team), TEAM.to_owned())
}

pub(super) fn member(team: TeamId, principal: &Principal) -> Key {
    Key::new(team_partition(team), format!("{MEMBER}{principal}"))
}

pub(super) fn members(team: TeamId) -> Range {
    Range::new(team_partition(team), Sorts::Beginning(MEMBER))
}

pub(super) fn removal(team: TeamId, membership: MembershipId) -> Key {
    Key::new(team_partition(team), format!("{REMOVAL}{membership}"))
}

pub(super) fn removals(team: TeamId) -> Range {
    Range::new(team_partition(team), Sorts::Beginning(REMOVAL))
}

pub(super) fn my_team(principal: &Principal, team: TeamId) -> Key {
    Key::new(principal_partition(principal), format!("{TEAM_OF}{team}"))
}

pub(super) fn my_teams(principal: &Principal) -> Range {
    Range::new(principal_partition(principal), Sorts::Beginning(TEAM_OF))
}

pub(super) fn unfinished(team: TeamId, membership: MembershipId) -> Key {
    Key::new(UNFINISHED.to_owned(), format!("{team}#{membership}"))
}

pub(super) fn all_unfinished() -> Range {
    Range::new(UNFINISHED.to_owned(), Sorts::All)
}

pub(super) fn token(team: TeamId, token: TokenId) -> Key {
    Key::new(tokens_partition(team), format!("{TOKEN}{token}"))
}

pub(super) fn tokens(team: TeamId) -> Range {
    Range::new(tokens_partition(team), Sorts::Beginning(TOKEN))
}

/// The range of one token.
pub(super) fn one_token(team: TeamId, id: TokenId) -> Range {
    let Key { partition, sort } = token(team, id);
    Range::new(partition, Sorts::Between(sort.clone(), sort))
}

/// The first and the last character of a token's id in parts of about the same size, in the order of
/// the keys: ids are random.
const PARTS: [(char, char); 8] = [
    ('2', '5'),
    ('6', 'b'),
    ('c', 'f'),
    ('g', 'j'),
    ('k', 'n'),
    ('o', 'r'),
    ('s', 'v'),
    ('w', 'z'),
];

/// The team's tokens after `last`, in parts that can be read side by side.
pub(super) fn tokens_after(team: TeamId, last: TokenId) -> impl Iterator<Item = Range> {
    let partition = tokens_partition(team);
    let sort = |id: &str| format!("{TOKEN}{}{id}", TokenId::PREFIX);
    // After every character of an id.
    let past = |sort: String| format!("{sort}~");
    let after = past(format!("{TOKEN}{last}"));
    PARTS.into_iter().filter_map(move |(first, end)| {
        let (from, to) =
            (sort(&first.to_string()).max(after.clone()), past(sort(&end.to_string())));
        let partition = partition.clone();
        (from < to).then_some(Range::new(partition, Sorts::Between(from, to)))
    })
}

pub(super) fn gate(team: TeamId, token: TokenId, gate: GateNumber) -> Key {
    Key::new(gates_partition(team, gate.lane()), format!("{GATE}{token}#{}", gate.number()))
}

pub(super) fn gates(team: TeamId, lane: Lane) -> Range {
    Range::new(gates_partition(team, lane), Sorts::Beginning(GATE))
}

pub(super) fn node(team: TeamId, hostname: &Hostname) -> Key {
    after_node(team, Lane::of(hostname), hostname)
}

/// The key in `lane` that a node of this hostname would have: where a list goes on after it.
pub(super) fn after_node(team: TeamId, lane: Lane, hostname: &Hostname) -> Key {
    Key::new(lane_partition(team, lane), format!("{NODE}{hostname}"))
}

pub(super) fn nodes(team: TeamId, lane: Lane) -> Range {
    Range::new(lane_partition(team, lane), Sorts::Beginning(NODE))
}

pub(super) fn address(team: TeamId, ip: PrivateIp) -> Key {
    Key::new(format!("TEAM#{team}#ADDR#{ip}"), ADDRESS.to_owned())
}

/// Whether a stream record's keys are a member's, and then of which team.
pub(super) fn team_of_member(partition: &str, sort: &str) -> Option<TeamId> {
    sort.strip_prefix(MEMBER)?;
    partition.strip_prefix(TEAM_OF)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_in_one_part_if_it_is_after_the_last_and_else_in_none(id: [u8; 8], last: [u8; 8]) {
            let team = TeamId::from_bytes([0; 8]);
            let sort = |id| token(team, TokenId::from_bytes(id)).sort;
            let (id, last) = (sort(id), TokenId::from_bytes(last));
            let parts = tokens_after(team, last).filter(|part| match &part.sorts {
                Sorts::Between(from, to) => (from..=to).contains(&&id),
                _ => false,
            });
            prop_assert_eq!(parts.count(), usize::from(id > token(team, last).sort));
        }
    }
}
