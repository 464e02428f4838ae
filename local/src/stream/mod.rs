//! The table's stream, fed to the function behind it as Lambda does it: filtered, in order, in
//! batches, again from the first record that failed, and on from there after a restart.

mod position;
mod source;

use std::sync::Arc;
use std::time::Duration;

use muster_shared::environment::{Clock, Environment};
use muster_shared::store::{Patience, Store};
use serde_json::json;
use tokio::time::Instant;

use crate::engine::Engine;
use position::Position;
use source::{Record, Source, SourceError};

pub(crate) use position::Place;

/// Records that one invocation gets, as in the template.
const BATCH: usize = 10;
/// How long one invocation may take, as in the template.
pub(crate) const INVOCATION: Duration = Duration::from_secs(295);
/// How long a record is tried, as in the template. A stream keeps them no longer.
const RECORD_AGE: Duration = Duration::from_hours(24);
/// How often what is too old is deleted from the stream.
const TRIM: Duration = Duration::from_mins(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The feed from the stream to `member-cascade`.
pub(crate) struct Feed {
    engine: Engine,
    trimmed: Option<Instant>,
    source: Source,
    position: Position,
    store: Store,
    patience: Patience,
    idle: Duration,
    /// The machine's, by which the engine dates its records.
    clock: Arc<dyn Clock>,
}

impl Feed {
    /// A feed that goes on where the one before it stopped, by what lies at `place`.
    pub(crate) async fn new(
        engine: &Engine,
        place: Place,
        store: Store,
        patience: Patience,
        idle: Duration,
    ) -> Result<Self, SourceError> {
        let source = Source::new(engine).await?;
        let position = Position::read(place, source.arn());
        let clock = Environment::system().clock;
        let engine = engine.clone();
        Ok(Self { engine, trimmed: None, source, position, store, patience, idle, clock })
    }

    /// Feeds until it is dropped, which it may be anywhere: what it has not noted down as handled
    /// is handled again.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.step().await {
                Ok(Step::Handled) => pause = FIRST_PAUSE,
                Ok(Step::Nothing) => {
                    self.trim().await;
                    tokio::time::sleep(self.idle).await;
                }
                Ok(Step::Failed) => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    tracing::error!(%error, "the stream can't be read");
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
            }
        }
    }

    /// Keeps the stream short, now that all of it is handled.
    async fn trim(&mut self) {
        if self.trimmed.is_none_or(|trimmed| trimmed.elapsed() > TRIM) {
            self.engine.trim_stream().await;
            self.trimmed = Some(Instant::now());
        }
    }

    /// Handles what comes next.
    async fn step(&mut self) -> Result<Step, SourceError> {
        let records = self.source.after(self.position.last()).await?;
        let Some(last) = records.last() else { return Ok(Step::Nothing) };
        let wanted: Vec<_> = records.iter().filter(|record| record.event.is_some()).collect();
        for batch in wanted.chunks(BATCH) {
            if let Some(failed) = self.invoke(batch).await {
                let handled = if self.clock.now().since(failed.created_at) > RECORD_AGE {
                    tracing::error!(record = failed.sequence_number, "given up after 24 hours");
                    Some(failed)
                } else {
                    let id = &failed.sequence_number;
                    records.iter().take_while(|record| record.sequence_number != *id).last()
                };
                if let Some(handled) = handled {
                    self.position.advance(&handled.sequence_number);
                }
                return Ok(Step::Failed);
            }
        }
        self.position.advance(&last.sequence_number);
        Ok(Step::Handled)
    }

    /// Invokes the function. Tells the first record that it did not handle, if any.
    async fn invoke<'a>(&self, batch: &[&'a Record]) -> Option<&'a Record> {
        let events: Vec<_> = batch.iter().filter_map(|record| record.event.as_ref()).collect();
        let event = json!({ "Records": events });
        let session = self.store.session(INVOCATION);
        match member_cascade::handle(&session, event, self.patience).await {
            Ok(response) => {
                let failed = response.pointer("/batchItemFailures/0/itemIdentifier")?.as_str();
                let failed = batch.iter().find(|r| Some(r.sequence_number.as_str()) == failed);
                // Lambda takes one that it does not know for all of them.
                failed.or(batch.first()).copied()
            }
            Err(error) => {
                tracing::error!(%error, "member-cascade failed");
                batch.first().copied()
            }
        }
    }
}

/// What a step came to.
enum Step {
    /// All that was read is handled.
    Handled,
    /// There was nothing to read.
    Nothing,
    /// Something is to be handled again.
    Failed,
}
