//! Revokes the tokens and removes the nodes of members who were removed: on the table's stream at
//! once, and on a schedule until nothing more is found.

use muster_shared::store::{Error, Fault, Patience, Session, StreamEvent, StreamRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What invokes the function.
#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    Stream(StreamEvent),
    Schedule {
        #[serde(rename = "sweep")]
        _sweep: UnfinishedRemovals,
    },
}

#[derive(Deserialize)]
enum UnfinishedRemovals {
    #[serde(rename = "unfinished-removals")]
    UnfinishedRemovals,
}

/// The answer to a batch of stream records: from which one on it is to be sent again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse<'a> {
    batch_item_failures: Vec<Failure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    item_identifier: &'a str,
}

/// Handles a batch of stream records, in order and up to the first that fails, or a tick of the
/// schedule.
pub async fn handle(session: &Session, event: Value, patience: Patience) -> Result<Value, Error> {
    let event = serde_json::from_value(event)
        .map_err(|error| Fault::new(format!("neither a stream nor a schedule event: {error}")))?;
    match event {
        Event::Stream(batch) => {
            let mut failures = Vec::new();
            for record in &batch.records {
                if let Err(error) = follow(session, record, patience).await {
                    let record = record.sequence_number();
                    tracing::error!(record, %error, "a removal is not swept");
                    failures.push(Failure { item_identifier: record });
                    break;
                }
            }
            let response = BatchResponse { batch_item_failures: failures };
            Ok(serde_json::to_value(response).unwrap_or_default())
        }
        Event::Schedule { .. } => {
            let left = session.sweep_unfinished(patience).await?;
            tracing::info!(left, "unfinished removals swept");
            Ok(json!({ "unfinished": left }))
        }
    }
}

async fn follow(session: &Session, record: &StreamRecord, patience: Patience) -> Result<(), Error> {
    let Some((team, member)) = record.removed_member()? else { return Ok(()) };
    let membership = member.membership;
    let swept = session.sweep(team, membership, &member.principal, patience).await?;
    tracing::info!(
        %team,
        %membership,
        closed = swept.closed,
        nodes_removed = swept.nodes_removed,
        "removal swept"
    );
    Ok(())
}
