//! Keeping the stream of the embedded database short and quick. Left alone it grows for ever, and
//! every write looks through all of it for its sequence number.

use std::time::Duration;

use dynoxide::errors::DynoxideError;
use dynoxide::storage::Storage;

/// How long DynamoDB keeps a stream's records.
const KEPT: Duration = Duration::from_hours(24);
/// Records deleted at a time, so that nothing waits long for the database.
const AT_ONCE: usize = 1_000;

const INDEX: &str = "CREATE INDEX IF NOT EXISTS muster_stream_records \
                     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// The last record stays: the next one's number follows from it.
const DELETE: &str = "DELETE FROM _stream_records WHERE id IN \
                      (SELECT id FROM _stream_records \
                       WHERE created_at < ?1 AND id < (SELECT MAX(id) FROM _stream_records) \
                       ORDER BY id LIMIT ?2)";

/// Makes the index that a stream's reads and writes need, in the database at `path`.
pub(super) fn index(path: &str) -> Result<(), DynoxideError> {
    Ok(Storage::new(path)?.conn().execute_batch(INDEX)?)
}

/// Deletes what is older than DynamoDB would keep it, at `now` in seconds since the epoch.
pub(super) fn trim(path: &str, now: i64) -> Result<(), DynoxideError> {
    let oldest = now.saturating_sub_unsigned(KEPT.as_secs());
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let storage = Storage::new(path)?;
    while storage.conn().execute(DELETE, [oldest, limit])? >= AT_ONCE {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;
    use dynoxide::actions::put_item::PutItemRequest;
    use serde_json::json;

    use super::*;
    use crate::engine::{TABLE, create_table};
    use muster_shared::environment::Environment;

    fn put(database: &Database, sort_key: usize) {
        let item = json!({ "pk": {"S": "a"}, "sk": {"S": sort_key.to_string()} });
        let put = json!({ "TableName": TABLE, "Item": item });
        database.put_item(serde_json::from_value::<PutItemRequest>(put).unwrap()).unwrap();
    }

    #[test]
    fn a_stream_is_kept_for_a_day_and_its_numbers_go_on() {
        let file = std::env::temp_dir().join(format!("muster-retention-{}.db", std::process::id()));
        let path = file.to_str().unwrap();
        let database = Database::new(path).unwrap();
        create_table(&database).unwrap();
        index(path).unwrap();
        for sort_key in 0..AT_ONCE + 10 {
            put(&database, sort_key);
        }
        let now = Environment::system().clock.now().as_unix();
        let records = || {
            let storage = Storage::new(path).unwrap();
            let count =
                "SELECT COUNT(*), MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records";
            storage.conn().query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        let (all, last): (usize, i64) = records();
        assert_eq!(all, AT_ONCE + 10);
        trim(path, now + 86_000).unwrap();
        assert_eq!(records(), (all, last));
        trim(path, now + 90_000).unwrap();
        assert_eq!(records(), (1, last));
        put(&database, 0);
        put(&database, AT_ONCE + 10);
        let (left, next) = records();
        assert_eq!(left, 3);
        assert!(next > last);
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{path}{suffix}"));
        }
    }
}
