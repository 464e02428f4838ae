//! What DynamoDB lets through: so many units a second for each partition key and for the table.
//!
//! A table's limit is held by the request routers, for a call as a whole, before it reaches any item
//! (Elhemali et al., "Amazon `DynamoDB`: A Scalable, Predictably Performant, and Fully Managed `NoSQL`
//! Database Service", USENIX ATC 2022, on global admission control); a partition's where the item is.

use std::collections::HashMap;
use std::time::Duration;

use super::item::Key;

/// Units a second.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
}

impl Rate {
    fn of(self, kind: Kind) -> f64 {
        match kind {
            Kind::Read => self.reads,
            Kind::Write => self.writes,
        }
    }
}

/// What one partition key takes at most
/// (AWS, "Best practices for designing and using partition keys effectively").
pub const PARTITION: Rate = Rate { reads: 3000.0, writes: 1000.0 };
/// What a new table on demand takes (AWS, "DynamoDB on-demand capacity mode").
pub const NEW_TABLE: Rate = Rate { reads: 12_000.0, writes: 4000.0 };

/// Which of the two is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// What is left of a second's units. A call is let through while anything is left and charged what
/// it took, so one that is larger than what was left delays those after it.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    fn full(rate: f64) -> Self {
        Self { left: rate, at: Duration::ZERO }
    }

    fn refill(&mut self, rate: f64, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * rate).min(rate);
        self.at = now;
    }
}

/// The buckets of a table.
#[derive(Debug)]
pub(super) struct Capacity {
    table: Option<Rate>,
    whole: [Bucket; 2],
    partitions: HashMap<(String, bool), Bucket>,
}

impl Capacity {
    /// The capacity of a table; `None` is more than anybody asks for.
    pub(super) fn new(table: Option<Rate>) -> Self {
        let rate = table.unwrap_or(NEW_TABLE);
        let whole = [Bucket::full(rate.reads), Bucket::full(rate.writes)];
        Self { table, whole, partitions: HashMap::new() }
    }

    /// Whether the table lets a call through now, of which `units` are set aside until
    /// [`Capacity::settle`] tells that it was charged for itself.
    pub(super) fn table_admits(&mut self, kind: Kind, units: f64, now: Duration) -> bool {
        let Some(bucket) = self.table(kind, now) else { return true };
        let admits = bucket.left > 0.0;
        if admits {
            bucket.left -= units;
        }
        admits
    }

    /// Gives back what was set aside for a call.
    pub(super) fn settle(&mut self, kind: Kind, units: f64, now: Duration) {
        if let Some(bucket) = self.table(kind, now) {
            bucket.left += units;
        }
    }

    /// Whether an item's partition lets a call through now.
    pub(super) fn partition_admits(&mut self, key: &Key, kind: Kind, now: Duration) -> bool {
        self.partition(key, kind, now).left > 0.0
    }

    /// Takes what a call used.
    pub(super) fn charge(&mut self, key: &Key, kind: Kind, units: f64, now: Duration) {
        self.partition(key, kind, now).left -= units;
        if let Some(table) = self.table(kind, now) {
            table.left -= units;
        }
    }

    fn partition(&mut self, key: &Key, kind: Kind, now: Duration) -> &mut Bucket {
        let rate = PARTITION.of(kind);
        let partition = self.partitions.entry((key.pk.clone(), kind == Kind::Write));
        let partition = partition.or_insert_with(|| Bucket::full(rate));
        partition.refill(rate, now);
        partition
    }

    fn table(&mut self, kind: Kind, now: Duration) -> Option<&mut Bucket> {
        let rate = self.table?.of(kind);
        let [reads, writes] = &mut self.whole;
        let whole = if kind == Kind::Write { writes } else { reads };
        whole.refill(rate, now);
        Some(whole)
    }
}
