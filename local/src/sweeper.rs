//! The schedule: `member-cascade` is called again and again for the removals that are not finished.

use std::time::Duration;

use muster_shared::store::{Patience, Store};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::stream::INVOCATION;

/// Calls until it is dropped.
pub(crate) async fn run(store: Store, patience: Patience, every: Duration) {
    let mut left = Value::Null;
    loop {
        tokio::time::sleep(every).await;
        let session = store.session(INVOCATION);
        let event = json!({ "sweep": "unfinished-removals" });
        let sweep = member_cascade::handle(&session, event, patience);
        // A line each would bury the requests, as often as it is called here.
        match sweep.with_subscriber(NoSubscriber::default()).await {
            Ok(answer) if answer == left => {}
            Ok(answer) => {
                left = answer;
                let left = left.get("left").and_then(Value::as_u64);
                tracing::info!(left, "unfinished removals swept");
            }
            Err(error) => tracing::error!(%error, "unfinished removals are not swept"),
        }
    }
}
