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

/// The items of one partition whose sort key begins alike.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) partition: String,
    pub(super) sort_prefix: &'static str,
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
    Range { partition: team_partition(team), sort_prefix: MEMBER }
}

pub(super) fn removal(team: TeamId, membership: MembershipId) -> Key {
    Key::new(team_partition(team), format!("{REMOVAL}{membership}"))
}

pub(super) fn removals(team: TeamId) -> Range {
    Range { partition: team_partition(team), sort_prefix: REMOVAL }
}

pub(super) fn my_team(principal: &Principal, team: TeamId) -> Key {
    Key::new(principal_partition(principal), format!("{TEAM_OF}{team}"))
}

pub(super) fn my_teams(principal: &Principal) -> Range {
    Range { partition: principal_partition(principal), sort_prefix: TEAM_OF }
}

pub(super) fn unfinished(team: TeamId, membership: MembershipId) -> Key {
    Key::new(UNFINISHED.to_owned(), format!("{team}#{membership}"))
}

pub(super) fn all_unfinished() -> Range {
    Range { partition: UNFINISHED.to_owned(), sort_prefix: "" }
}

pub(super) fn token(team: TeamId, token: TokenId) -> Key {
    Key::new(tokens_partition(team), format!("{TOKEN}{token}"))
}

pub(super) fn tokens(team: TeamId) -> Range {
    Range { partition: tokens_partition(team), sort_prefix: TOKEN }
}

pub(super) fn gate(team: TeamId, token: TokenId, gate: GateNumber) -> Key {
    Key::new(lane_partition(team, gate.lane()), format!("{GATE}{token}#{}", gate.number()))
}

pub(super) fn gates(team: TeamId, lane: Lane) -> Range {
    Range { partition: lane_partition(team, lane), sort_prefix: GATE }
}

pub(super) fn node(team: TeamId, hostname: &Hostname) -> Key {
    after_node(team, Lane::of(hostname), hostname)
}

/// The key in `lane` that a node of this hostname would have: where a list goes on after it.
pub(super) fn after_node(team: TeamId, lane: Lane, hostname: &Hostname) -> Key {
    Key::new(lane_partition(team, lane), format!("{NODE}{hostname}"))
}

pub(super) fn nodes(team: TeamId, lane: Lane) -> Range {
    Range { partition: lane_partition(team, lane), sort_prefix: NODE }
}

pub(super) fn address(team: TeamId, ip: PrivateIp) -> Key {
    Key::new(format!("TEAM#{team}#ADDR#{ip}"), ADDRESS.to_owned())
}

/// Whether a stream record's keys are a member's, and then of which team.
pub(super) fn team_of_member(partition: &str, sort: &str) -> Option<TeamId> {
    sort.strip_prefix(MEMBER)?;
    partition.strip_prefix(TEAM_OF)?.parse().ok()
}
