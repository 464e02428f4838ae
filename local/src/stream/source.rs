//! Reading the stream of the embedded database.

use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record as StreamRecord};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::errors::DynoxideError;
use dynoxide::types::AttributeValue;
use muster_shared::domain::timestamp::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::engine::{Engine, TABLE};

/// Records read at a time.
const PAGE: usize = 1_000;

/// Why the stream can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The database says so.
    #[error("{0}")]
    Database(#[from] DynoxideError),
    /// The table has no stream, or none of one shard.
    #[error("the table has no stream")]
    NoStream,
    /// A record is not to be written as JSON.
    #[error("a stream record: {0}")]
    Record(#[from] serde_json::Error),
}

/// A record of the stream.
pub(super) struct Record {
    pub(super) sequence_number: String,
    pub(super) created_at: Timestamp,
    /// As the function behind the stream sees it, if it is to see it.
    pub(super) event: Option<Value>,
}

/// The stream.
pub(super) struct Source {
    database: Database,
    arn: String,
    shard: String,
}

impl Source {
    pub(super) fn new(engine: &Engine) -> Result<Self, SourceError> {
        let database = engine.database().clone();
        let table = ListStreamsRequest { table_name: Some(TABLE.to_owned()), ..Default::default() };
        let stream = database.list_streams(table)?.streams.pop().ok_or(SourceError::NoStream)?;
        let arn = stream.stream_arn;
        let described = DescribeStreamRequest { stream_arn: arn.clone(), ..Default::default() };
        let mut shards = database.describe_stream(described)?.stream_description.shards;
        let shard = shards.pop().ok_or(SourceError::NoStream)?.shard_id;
        Ok(Self { database, arn, shard })
    }

    /// Names the stream; another table's is another.
    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// The records after one, in order: the next of them.
    pub(super) fn after(&self, last: Option<&str>) -> Result<Vec<Record>, SourceError> {
        let kind = if last.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let start = GetShardIteratorRequest {
            stream_arn: self.arn.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: kind.to_owned(),
            sequence_number: last.map(str::to_owned),
        };
        let shard_iterator = self.database.get_shard_iterator(start)?.shard_iterator;
        let shard_iterator = shard_iterator.ok_or(SourceError::NoStream)?;
        let page = GetRecordsRequest { shard_iterator, limit: Some(PAGE) };
        let records = self.database.get_records(page)?.records;
        records.into_iter().map(|record| self.record(&record)).collect()
    }

    fn record(&self, record: &StreamRecord) -> Result<Record, SourceError> {
        let event = is_wanted(record).then(|| Event { record, arn: &self.arn });
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds since the epoch")]
        let created_at = record.dynamodb.approximate_creation_date_time as i64;
        Ok(Record {
            sequence_number: record.dynamodb.sequence_number.clone(),
            created_at: Timestamp::from_unix(created_at),
            event: event.map(serde_json::to_value).transpose()?,
        })
    }
}

/// A record as Lambda hands it over.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(flatten)]
    record: &'a StreamRecord,
    #[serde(rename = "eventSourceARN")]
    arn: &'a str,
}

/// The filter of the stream's mapping in the template.
fn is_wanted(record: &StreamRecord) -> bool {
    let sort_key = record.dynamodb.keys.get("sk");
    let is_member = matches!(sort_key, Some(AttributeValue::S(key)) if key.starts_with("MEMBER#"));
    record.event_name == "REMOVE" && is_member
}

#[cfg(test)]
mod tests {
    use dynoxide::types::Item;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_function_sees_the_removals_of_members_and_nothing_else() {
        let is_wanted = |event: &str, keys: Value| {
            let mut record = StreamRecord { event_name: event.to_owned(), ..Default::default() };
            record.dynamodb.keys = serde_json::from_value::<Item>(keys).unwrap();
            is_wanted(&record)
        };
        let member = json!({ "pk": {"S": "TEAM#t"}, "sk": {"S": "MEMBER#a@b.example"} });
        assert!(is_wanted("REMOVE", member.clone()));
        for event in ["INSERT", "MODIFY", "remove", ""] {
            assert!(!is_wanted(event, member.clone()), "{event}");
        }
        for sort_key in ["NODE#MEMBER#", "REMOVAL#m", "TEAM", "MEMBER", "member#a@b.example"] {
            let keys = json!({ "pk": {"S": "TEAM#t"}, "sk": {"S": sort_key} });
            assert!(!is_wanted("REMOVE", keys), "{sort_key}");
        }
        assert!(!is_wanted("REMOVE", json!({ "sk": {"B": "TUVNQkVSIw=="} })));
        assert!(!is_wanted("REMOVE", json!({})));
    }

    #[tokio::test]
    async fn a_record_reads_as_lambda_hands_it_over() {
        let engine = Engine::in_memory().await.unwrap();
        let source = Source::new(&engine).unwrap();
        let keys = json!({ "pk": {"S": "TEAM#t"}, "sk": {"S": "MEMBER#a@b.example"} });
        let put = json!({ "TableName": TABLE, "Item": keys });
        engine.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
        let delete = json!({ "TableName": TABLE, "Key": keys });
        engine.database().delete_item(serde_json::from_value(delete).unwrap()).unwrap();

        let records = source.after(None).unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].event, None);
        let event = records[1].event.as_ref().unwrap();
        assert_eq!(event["eventName"], "REMOVE");
        assert_eq!(event["eventSource"], "aws:dynamodb");
        assert_eq!(event["eventSourceARN"], source.arn());
        assert_eq!(event["dynamodb"]["Keys"], keys);
        assert_eq!(event["dynamodb"]["OldImage"], keys);
        assert_eq!(event["dynamodb"]["SequenceNumber"], records[1].sequence_number.as_str());
        assert_eq!(event["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
        assert_eq!(source.after(Some(&records[0].sequence_number)).unwrap().len(), 1);
        assert!(source.after(Some(&records[1].sequence_number)).unwrap().is_empty());
    }
}
