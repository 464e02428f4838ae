//! The stream and the schedule behind member-cascade.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use member_cascade::handle;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::clock::Time;
use crate::dynamodb::{Change, DynamoDb};
use crate::history::History;
use crate::lambda::Lambda;
use crate::request::Request;
use crate::weather::Weather;

use super::{Pace, REST};

const FUNCTION: &str = "member-cascade";
/// What it may take, and what is left of that when its work must end, as in the template.
const TIMEOUT: Duration = Duration::from_mins(5);
const MARGIN: Duration = Duration::from_secs(5);
/// Records of one batch, and how often one is tried, as in the template.
const BATCH: usize = 10;
const RETRIES: usize = 5;
/// How far apart a record is handed over twice, at most.
const APART: [Duration; 2] = [Duration::ZERO, Duration::from_secs(2)];

/// What calls member-cascade.
pub(super) struct Cascade {
    pub(super) lambda: Arc<Lambda>,
    pub(super) time: Time,
    pub(super) chance: Chance,
    pub(super) weather: Arc<Weather>,
    pub(super) history: Arc<History>,
    pub(super) pace: Pace,
}

impl Cascade {
    /// Hands over what the event source's filter lets through, in order, at least once.
    pub(super) async fn follow(self: Arc<Self>, mut records: mpsc::UnboundedReceiver<Arc<Change>>) {
        let mut number = 0_u64;
        while let Some(change) = records.recv().await {
            let mut batch = vec![change];
            tokio::time::sleep(self.chance.time(Duration::ZERO, Duration::from_secs(2))).await;
            while let Ok(change) = records.try_recv() {
                batch.push(change);
            }
            let removed: Vec<_> = batch
                .iter()
                .filter(|change| change.new.is_none() && change.key.sk.starts_with("MEMBER#"))
                .map(|change| {
                    number += 1;
                    record(number, change)
                })
                .collect();
            for batch in removed.chunks(BATCH) {
                let now = self.time.elapsed();
                let restless = self.weather.restless && self.chance.happens(0.5);
                let strikes = self.weather.strikes(&self.chance, self.weather.record_repeated, now);
                if !restless && !strikes {
                    self.hand_over(batch).await;
                    continue;
                }
                self.history.met("record repeated", FUNCTION);
                // After one that is given up and goes on, it is handled twice at once.
                let apart = *self.chance.pick(&APART).unwrap_or(&Duration::ZERO);
                let again = self.chance.time(Duration::ZERO, apart);
                join(self.hand_over(batch), async {
                    tokio::time::sleep(again).await;
                    self.hand_over(batch).await;
                })
                .await;
            }
        }
    }

    async fn hand_over(&self, batch: &[Value]) {
        let mut left = batch;
        for n in 0..=RETRIES {
            let answer = self.invoke(json!({ "Records": left })).await;
            if let Some(answer) = answer {
                let failed = answer.pointer("/batchItemFailures/0/itemIdentifier");
                let Some(failed) = failed else { return };
                let at =
                    left.iter().position(|r| r.pointer("/dynamodb/SequenceNumber") == Some(failed));
                left = left.get(at.unwrap_or(0)..).unwrap_or_default();
            }
            let pause = Duration::from_millis(200).saturating_mul(1 << n.min(6));
            tokio::time::sleep(pause).await;
        }
        self.history.met("dead letter", FUNCTION);
    }

    /// Runs the schedule until the weather clears.
    pub(super) async fn tick(self: Arc<Self>, until: Duration) {
        while self.time.elapsed() < until {
            tokio::time::sleep(self.pace.schedule).await;
            self.round().await;
        }
    }

    /// Runs the schedule until nothing is left of any removal.
    pub(super) async fn finish(&self, dynamodb: &DynamoDb) {
        let until = self.time.elapsed() + REST;
        while self.time.elapsed() < until {
            tokio::time::sleep(self.pace.schedule).await;
            if !dynamodb.items().iter().any(|(key, _)| key.pk == "REMOVALS") {
                return;
            }
            self.round().await;
        }
        self.history.violated("liveness: a removal does not come to rest");
    }

    async fn round(&self) {
        let event = json!({ "sweep": "unfinished-removals" });
        let now = self.time.elapsed();
        let doubled = self.weather.strikes(&self.chance, self.weather.schedule_doubled, now)
            || self.weather.restless && self.chance.happens(0.5);
        if doubled {
            self.history.met("schedule doubled", FUNCTION);
            join(self.invoke(event.clone()), self.invoke(event)).await;
        } else {
            self.invoke(event).await;
        }
    }

    async fn invoke(&self, event: Value) -> Option<Value> {
        let request =
            self.history.request(Request { by: None, want: crate::request::Want::Cascade });
        let attempt = self.history.send(request);
        self.history.say(|| format!("{attempt} member-cascade"));
        let run = async |store: muster_shared::store::Store| {
            let session = store.session(TIMEOUT.saturating_sub(MARGIN));
            handle(&session, event, self.pace.patience).await
        };
        let done = self.lambda.invoke(FUNCTION, attempt, TIMEOUT, run).await;
        self.history.say(|| format!("{attempt} = {done:?}"));
        done.ok()?.ok()
    }
}

fn record(number: u64, change: &Change) -> Value {
    let keys = json!({ "pk": { "S": change.key.pk }, "sk": { "S": change.key.sk } });
    json!({
        "eventName": "REMOVE",
        "dynamodb": {
            "SequenceNumber": number.to_string(),
            "Keys": keys,
            "OldImage": change.old.as_deref(),
        },
    })
}
