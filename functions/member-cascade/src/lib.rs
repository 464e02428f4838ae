//! Revokes the tokens and removes the nodes of members who were removed: on the table's stream at
//! once, and on a schedule until nothing more is found.

use muster_shared::metrics::{Metric, unless_zero};
use muster_shared::store::{Error, Fault, Patience, Round, Session, StreamEvent, StreamRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::field::display;

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
                if !follow(session, record, patience).await {
                    failures.push(Failure { item_identifier: record.sequence_number() });
                    break;
                }
            }
            let response = BatchResponse { batch_item_failures: failures };
            Ok(serde_json::to_value(response).unwrap_or_default())
        }
        Event::Schedule { .. } => {
            let round = session.sweep_unfinished(patience).await?;
            tell_of_round(session, &round);
            round.failure.map_or_else(|| Ok(json!({ "left": round.left })), Err)
        }
    }
}

/// Tells the log of a round, unless there was nothing to do, so that being idle costs nothing.
fn tell_of_round(session: &Session, round: &Round) {
    if round.looked_after == 0 {
        return;
    }
    let cost = session.cost();
    let age = round.oldest.map(|oldest| session.now().since(oldest).as_secs());
    tracing::info!(
        looked_after = round.looked_after,
        left = round.left,
        { Metric::UnfinishedRemovals.name() } = unless_zero(round.unfinished),
        { Metric::OldestUnfinishedRemoval.name() } = age,
        { Metric::ConflictRetries.name() } = unless_zero(cost.conflicts),
        { Metric::ReadUnits.name() } = unless_zero(cost.read_units),
        { Metric::WriteUnits.name() } = unless_zero(cost.write_units),
        "unfinished removals swept"
    );
}

/// Follows a record, and tells the log of it. Tells whether it is done with.
async fn follow(session: &Session, record: &StreamRecord, patience: Patience) -> bool {
    let Some(removed) = record.removed_member().transpose() else { return true };
    let known = removed.as_ref().ok();
    let (team, membership) =
        known.map(|(team, member)| (display(*team), display(member.membership))).unzip();
    let before = session.cost();
    let swept = async {
        let (team, member) = removed?;
        session.sweep(team, member.membership, &member.principal, patience).await
    };
    let swept = swept.await;
    let cost = session.cost().since(before);
    match swept {
        Ok(swept) => {
            tracing::info!(
                team,
                membership,
                closed = swept.closed,
                nodes_removed = swept.nodes_removed,
                { Metric::CascadeLag.name() } = session.now().since(swept.requested_at).as_secs(),
                { Metric::ConflictRetries.name() } = unless_zero(cost.conflicts),
                { Metric::ReadUnits.name() } = unless_zero(cost.read_units),
                { Metric::WriteUnits.name() } = unless_zero(cost.write_units),
                "removal swept"
            );
            true
        }
        Err(error) => {
            tracing::error!(
                record = record.sequence_number(),
                team,
                membership,
                %error,
                { Metric::ConflictRetries.name() } = unless_zero(cost.conflicts),
                { Metric::ReadUnits.name() } = unless_zero(cost.read_units),
                { Metric::WriteUnits.name() } = unless_zero(cost.write_units),
                "a removal is not swept"
            );
            false
        }
    }
}
