//! The table's stream, as far as it tells of removed members.

use serde::Deserialize;

use crate::domain::id::TeamId;
use crate::domain::member::Member;

use super::Fault;
use super::keys::{PARTITION, SORT, team_of_member};

/// A batch of stream records.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The records in order.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// One change of one item.
#[derive(Debug, Deserialize)]
pub struct StreamRecord {
    #[serde(rename = "eventName")]
    event: String,
    #[serde(rename = "dynamodb")]
    change: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
    #[serde(rename = "Keys")]
    keys: serde_dynamo::Item,
    #[serde(rename = "OldImage")]
    old: Option<serde_dynamo::Item>,
}

impl StreamRecord {
    /// Names the record in its stream.
    pub fn sequence_number(&self) -> &str {
        &self.change.sequence_number
    }

    /// The member that was removed, and from which team; `None` if it is another change.
    pub fn removed_member(&self) -> Result<Option<(TeamId, Member)>, Fault> {
        if self.event != "REMOVE" {
            return Ok(None);
        }
        let key = |name: &str| match self.change.keys.get(name) {
            Some(serde_dynamo::AttributeValue::S(text)) => text.as_str(),
            _ => "",
        };
        let Some(team) = team_of_member(key(PARTITION), key(SORT)) else { return Ok(None) };
        let old = self.change.old.clone();
        let old = old.ok_or_else(|| Fault("a stream record has no old image".to_owned()))?;
        let member = serde_dynamo::from_item(old).map_err(|error| {
            Fault(format!("a removed member is not as it was written: {error}"))
        })?;
        Ok(Some((team, member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(event: &str, sk: &str) -> StreamRecord {
        let member = json!({
            "version": {"N": "1"}, "membership": {"S": "mem_aaaaaaaaaaaaa"}, "principal": {"S": "a@b.example"},
            "role": {"S": "admin"}, "joined_at": {"N": "1900000000"}
        });
        serde_json::from_value(json!({
            "eventName": event,
            "dynamodb": {
                "SequenceNumber": "1",
                "Keys": {"pk": {"S": "TEAM#team_aaaaaaaaaaaaa"}, "sk": {"S": sk}},
                "OldImage": member
            }
        }))
        .unwrap()
    }

    #[test]
    fn only_the_removal_of_a_member_is_one() {
        let (team, member) =
            record("REMOVE", "MEMBER#a@b.example").removed_member().unwrap().unwrap();
        assert_eq!(team.to_string(), "team_aaaaaaaaaaaaa");
        assert_eq!(member.membership.to_string(), "mem_aaaaaaaaaaaaa");
        assert!(record("MODIFY", "MEMBER#a@b.example").removed_member().unwrap().is_none());
        assert!(record("REMOVE", "NODE#web-1").removed_member().unwrap().is_none());
    }
}
