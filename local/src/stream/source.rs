//! Reading the table's stream through the API that DynamoDB has for it.

use muster_shared::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::engine::{CallError, Engine, JsonApi};

/// Records read at a time.
const PAGE: usize = 1_000;

/// Why the stream can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The engine says so, or nothing.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The table has no stream, or none of one shard.
    #[error("the table has no stream")]
    NoStream,
    /// A record is not what it must be.
    #[error("a stream record has no {0}")]
    Record(&'static str),
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
    api: JsonApi,
    arn: String,
    shard: String,
}

impl Source {
    pub(super) async fn new(engine: &Engine) -> Result<Self, SourceError> {
        let api = engine.json_api();
        let streams = call(&api, "ListStreams", &json!({ "TableName": engine.table() })).await?;
        // A table that was made anew has the streams of those before it, too; labels are times.
        let newest = streams.get("Streams").and_then(Value::as_array).into_iter().flatten();
        let newest = newest.max_by_key(|stream| text(stream, "/StreamLabel"));
        let arn = newest.and_then(|stream| text(stream, "/StreamArn"));
        let arn = arn.ok_or(SourceError::NoStream)?;
        let stream = call(&api, "DescribeStream", &json!({ "StreamArn": arn })).await?;
        // The embedded engine has one shard, and so have the emulators.
        let shard = text(&stream, "/StreamDescription/Shards/0/ShardId");
        Ok(Self { shard: shard.ok_or(SourceError::NoStream)?, api, arn })
    }

    /// Names the stream; another table's is another.
    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// The records after one, in order: the next of them.
    pub(super) async fn after(&self, last: Option<&str>) -> Result<Vec<Record>, SourceError> {
        let mut start = json!({
            "StreamArn": self.arn, "ShardId": self.shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        if let (Some(last), Some(start)) = (last, start.as_object_mut()) {
            start.insert("ShardIteratorType".to_owned(), "AFTER_SEQUENCE_NUMBER".into());
            start.insert("SequenceNumber".to_owned(), last.into());
        }
        let start = call(&self.api, "GetShardIterator", &start).await?;
        let iterator = text(&start, "/ShardIterator").ok_or(SourceError::NoStream)?;
        let page = json!({ "ShardIterator": iterator, "Limit": PAGE });
        let page = call(&self.api, "GetRecords", &page).await?;
        let records = page.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        records.into_iter().map(|record| self.record(record)).collect()
    }

    fn record(&self, mut record: Value) -> Result<Record, SourceError> {
        let sequence_number = text(&record, "/dynamodb/SequenceNumber");
        let created_at = record.pointer("/dynamodb/ApproximateCreationDateTime");
        let created_at = created_at.and_then(Value::as_f64);
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds since the epoch")]
        let created_at = created_at.ok_or(SourceError::Record("time"))? as i64;
        // Lambda says besides whose stream it is.
        if let Some(fields) = record.as_object_mut() {
            fields.insert("eventSourceARN".to_owned(), self.arn.as_str().into());
        }
        Ok(Record {
            sequence_number: sequence_number.ok_or(SourceError::Record("sequence number"))?,
            created_at: Timestamp::from_unix(created_at),
            event: is_wanted(&record).then_some(record),
        })
    }
}

async fn call(api: &JsonApi, operation: &str, request: &Value) -> Result<Value, CallError> {
    api.call(&format!("DynamoDBStreams_20120810.{operation}"), request).await
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// The filter of the stream's mapping in the template.
fn is_wanted(record: &Value) -> bool {
    let sort_key = record.pointer("/dynamodb/Keys/sk/S").and_then(Value::as_str);
    record.get("eventName").and_then(Value::as_str) == Some("REMOVE")
        && sort_key.is_some_and(|key| key.starts_with("MEMBER#"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    #[test]
    fn the_function_sees_the_removals_of_members_and_nothing_else() {
        let is_wanted = |event: &str, keys: Value| {
            is_wanted(&json!({ "eventName": event, "dynamodb": {"Keys": keys} }))
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
        let source = Source::new(&engine).await.unwrap();
        let (client, table) = (engine.client(), engine.table());
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let item = HashMap::from([
            ("pk".to_owned(), key("TEAM#t")),
            ("sk".to_owned(), key("MEMBER#a@b.example")),
        ]);
        let put = client.put_item().table_name(table).set_item(Some(item.clone()));
        put.send().await.unwrap();
        let delete = client.delete_item().table_name(table).set_key(Some(item));
        delete.send().await.unwrap();

        let keys = json!({ "pk": {"S": "TEAM#t"}, "sk": {"S": "MEMBER#a@b.example"} });
        let records = source.after(None).await.unwrap();
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
        let [first, last] = &records[..] else { panic!("two records") };
        assert_eq!(source.after(Some(&first.sequence_number)).await.unwrap().len(), 1);
        assert!(source.after(Some(&last.sequence_number)).await.unwrap().is_empty());
    }
}
