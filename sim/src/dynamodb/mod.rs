//! DynamoDB as it is published, over the embedded engine: operations take time, transactions commit
//! item by item, an item in a transaction refuses others, and capacity has an end.

mod answer;
mod capacity;
mod engine;
mod item;
mod read;
mod transaction;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_local::engine::EngineError;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::clock::Time;
use crate::weather::Weather;

pub use answer::Refused;
pub use capacity::{NEW_TABLE, PARTITION, Rate};
pub use item::{Item, Key, at, number, text};

use capacity::{Capacity, Kind};
use engine::Engine;

/// The way from a function to DynamoDB, or back.
const HOP: Duration = Duration::from_micros(700);
const HOP_SPREAD: f64 = 0.4;

/// What of DynamoDB is not published exactly, or differs from table to table.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a transaction holds an item, from its preparation to its commit, about.
    pub window: Duration,
    /// What the table takes; `None` is more than anybody asks for.
    pub table: Option<Rate>,
    /// Whether queries read item by item while others write.
    pub torn_queries: bool,
}

/// Who sent a call: the number of an attempt in the history.
pub type Origin = u64;

/// What a transaction's changes have in common.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// What its sender called it.
    pub token: Arc<str>,
    /// When all its items were found to be as its conditions want them, and held.
    pub decided: Duration,
}

/// A committed change of one item.
#[derive(Debug, Clone)]
pub struct Change {
    /// When it became visible.
    pub at: Duration,
    /// In which transaction it was made, if in any.
    pub transaction: Option<Transaction>,
    /// Who made it.
    pub origin: Origin,
    /// Of which item.
    pub key: Key,
    /// The item before.
    pub old: Option<Arc<Item>>,
    /// The item after.
    pub new: Option<Arc<Item>>,
}

impl Change {
    /// When its conditions held.
    pub fn decided(&self) -> Duration {
        self.transaction.as_ref().map_or(self.at, |transaction| transaction.decided)
    }
}

/// What a table has been used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
    /// Calls that were throttled, in whole or in part.
    pub throttled: u64,
    /// Transactions that were cancelled, and writes that were refused, because of another one.
    pub conflicts: u64,
    /// Transactions that write.
    pub transactions: u64,
    /// Those of them that went through.
    pub committed: u64,
}

impl Used {
    /// What has come on top of an earlier use.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            throttled: self.throttled - before.throttled,
            conflicts: self.conflicts - before.conflicts,
            transactions: self.transactions - before.transactions,
            committed: self.committed - before.committed,
        }
    }
}

/// A DynamoDB with one table.
pub struct DynamoDb {
    engine: Engine,
    time: Time,
    chance: Chance,
    weather: Arc<Weather>,
    settings: Settings,
    stream: mpsc::UnboundedSender<Arc<Change>>,
    state: Mutex<State>,
}

struct State {
    items: BTreeMap<Key, Arc<Item>>,
    marks: HashMap<Key, Mark>,
    changes: Vec<Arc<Change>>,
    capacity: Capacity,
    replays: HashMap<String, transaction::Replay>,
    used: Used,
}

/// What the storage node keeps beside an item, there or not.
#[derive(Debug, Clone, Default)]
struct Mark {
    /// The transaction that holds it.
    ongoing: Option<u64>,
    /// The time of the last write, by the clock of its coordinator, in nanoseconds.
    stamp: u128,
    /// Counts the writes.
    version: u64,
    /// The item before the last change, for reads that are not consistent.
    before: Option<Arc<Item>>,
    changed: Duration,
}

impl DynamoDb {
    /// An empty table, whose changes go into `stream` as they become visible.
    pub fn new(
        time: Time,
        chance: Chance,
        weather: Arc<Weather>,
        settings: Settings,
        stream: mpsc::UnboundedSender<Arc<Change>>,
    ) -> Result<Self, EngineError> {
        let state = State {
            items: BTreeMap::new(),
            marks: HashMap::new(),
            changes: Vec::new(),
            capacity: Capacity::new(settings.table),
            replays: HashMap::new(),
            used: Used::default(),
        };
        let engine = Engine::new()?;
        Ok(Self { engine, time, chance, weather, settings, stream, state: Mutex::new(state) })
    }

    /// Does an operation, given as its JSON.
    pub async fn call(
        &self,
        origin: Origin,
        operation: &str,
        request: Value,
    ) -> Result<Value, Refused> {
        self.hop().await;
        let kind = match operation {
            "GetItem" | "BatchGetItem" | "TransactGetItems" | "Query" => Kind::Read,
            _ => Kind::Write,
        };
        let least = least_units(&request);
        let admitted = self.state().capacity.table_admits(kind, least, self.now());
        let answer = match operation {
            _ if !admitted => Err(Refused::throttled()),
            "GetItem" => self.get(&request),
            "BatchGetItem" => self.batch_get(request).await,
            "TransactGetItems" => self.transact_get(request).await,
            "Query" => self.query(&request).await,
            "PutItem" | "UpdateItem" | "DeleteItem" => self.write(origin, operation, request),
            "TransactWriteItems" => self.transact_write(origin, request).await,
            _ => Err(Refused::new(400, "UnknownOperationException", operation)),
        };
        if admitted {
            self.state().capacity.settle(kind, least, self.now());
        }
        if let Err(refused) = &answer {
            let used = &mut self.state().used;
            let reasons = refused.body.get("CancellationReasons").and_then(Value::as_array);
            let has = |code: &str| {
                reasons
                    .into_iter()
                    .flatten()
                    .any(|reason| reason.get("Code").is_some_and(|c| c == code))
            };
            used.throttled +=
                u64::from(refused.code() == "ThrottlingException" || has("ThrottlingError"));
            used.conflicts += u64::from(
                refused.code() == "TransactionConflictException" || has("TransactionConflict"),
            );
        }
        self.hop().await;
        answer
    }

    /// Every change so far, in the order in which they became visible.
    pub fn changes(&self) -> Vec<Arc<Change>> {
        self.state().changes.clone()
    }

    /// The items, in the order of their keys.
    pub fn items(&self) -> Vec<(Key, Arc<Item>)> {
        let state = self.state();
        state.items.iter().map(|(key, item)| (key.clone(), Arc::clone(item))).collect()
    }

    /// Whether a transaction has not told all of its items yet.
    pub fn is_at_work(&self) -> bool {
        self.state().marks.values().any(|mark| mark.ongoing.is_some())
    }

    /// What has been used so far.
    pub fn used(&self) -> Used {
        self.state().used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hop(&self) {
        tokio::time::sleep(self.chance.about(HOP, HOP_SPREAD)).await;
    }

    async fn wait_until(&self, elapsed: Duration) {
        tokio::time::sleep_until(self.time.at(elapsed)).await;
    }

    fn now(&self) -> Duration {
        self.time.elapsed()
    }

    /// Lets a call to an item through, if its partition answers and has capacity left.
    fn admit(&self, key: &Key, kind: Kind) -> Result<(), Refused> {
        let now = self.now();
        if self.weather.is_down(&key.pk, now) {
            return Err(Refused::internal());
        }
        if self.state().capacity.partition_admits(key, kind, now) {
            Ok(())
        } else {
            Err(Refused::throttled())
        }
    }

    fn charge(&self, key: &Key, kind: Kind, units: f64) {
        let now = self.now();
        let mut state = self.state();
        state.capacity.charge(key, kind, units, now);
        match kind {
            Kind::Read => state.used.reads += units,
            Kind::Write => state.used.writes += units,
        }
    }

    /// A single write. An item in a transaction refuses it.
    fn write(&self, origin: Origin, operation: &str, request: Value) -> Result<Value, Refused> {
        let key = key_of(&request)?;
        self.admit(&key, Kind::Write)?;
        if self.state().marks.get(&key).is_some_and(|mark| mark.ongoing.is_some()) {
            return Err(Refused::conflict());
        }
        let answer = self.apply(origin, operation, &key, request, None)?;
        let units = write_units(self.state().items.get(&key).map(Arc::as_ref));
        self.charge(&key, Kind::Write, units);
        Ok(with_units(answer, units))
    }

    /// Applies a write, at once, and notes the change.
    fn apply(
        &self,
        origin: Origin,
        operation: &str,
        key: &Key,
        mut request: Value,
        transaction: Option<Transaction>,
    ) -> Result<Value, Refused> {
        let put = match operation {
            "PutItem" => request.get("Item").and_then(Value::as_object).cloned(),
            _ => None,
        };
        if operation == "UpdateItem" {
            request["ReturnValues"] = "ALL_NEW".into();
        }
        let answer = self.engine.call(operation, request)?;
        let new = put.or_else(|| answer.get("Attributes")?.as_object().cloned()).map(Arc::new);
        let at = self.now();
        let stamp = at.as_nanos();
        let mut state = self.state();
        let old = match &new {
            Some(new) => state.items.insert(key.clone(), Arc::clone(new)),
            None => state.items.remove(key),
        };
        let mark = state.marks.entry(key.clone()).or_default();
        mark.stamp = mark.stamp.max(stamp);
        mark.version += 1;
        mark.before.clone_from(&old);
        mark.changed = at;
        if old.is_some() || new.is_some() {
            let change = Arc::new(Change { at, transaction, origin, key: key.clone(), old, new });
            state.changes.push(Arc::clone(&change));
            // Nobody reads the stream of a world that has ended.
            let _ = self.stream.send(change);
        }
        Ok(answer)
    }
}

fn key_of(action: &Value) -> Result<Key, Refused> {
    let key = action.get("Key").or_else(|| action.get("Item"));
    let key = key.and_then(Value::as_object).and_then(Key::of);
    key.ok_or_else(|| Refused::new(400, "ValidationException", "no key"))
}

/// The units that a call takes at least: twice for each item of a transaction.
fn least_units(request: &Value) -> f64 {
    let items = request.get("TransactItems").and_then(Value::as_array);
    let units = items.map_or(1, |items| 2 * items.len());
    f64::from(u32::try_from(units).unwrap_or(u32::MAX))
}

/// Write units of an item of this size.
fn write_units(item: Option<&Item>) -> f64 {
    units(item.map_or(0, item::size), 1024)
}

/// Read units of so many bytes, read consistently.
fn read_units(bytes: usize) -> f64 {
    units(bytes, 4096)
}

fn units(bytes: usize, each: usize) -> f64 {
    u32::try_from(bytes.div_ceil(each).max(1)).map_or(f64::INFINITY, f64::from)
}

fn with_units(mut answer: Value, units: f64) -> Value {
    answer["ConsumedCapacity"] = consumed(units);
    answer
}

fn consumed(units: f64) -> Value {
    serde_json::json!({ "TableName": muster_local::engine::TABLE, "CapacityUnits": units })
}
