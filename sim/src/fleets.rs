//! How long fleets take that boot at once, in a table.

use std::error::Error;
use std::time::Duration;

use muster_sim::dynamodb::NEW_TABLE;
use muster_sim::fleet::{Arrival, Counter, Fleet, boot};

use crate::terminal::say;

const SEED: u64 = 1;

/// Boots fleets of these sizes, one after the other.
pub(crate) fn fleets(sizes: &[usize], window: Duration) -> Result<bool, Box<dyn Error>> {
    say!(
        "A transaction holds an item for {} ms. Capacity units are for each machine let in.",
        window.as_millis()
    );
    say!();
    say!(
        "| machines | token | table | let in | all in, s | all told, s | wait p50 / p99, s | transactions | requests | write units | read units | revoke, s |"
    );
    say!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for machines in sizes.iter().copied() {
        let (max_uses, counter, table, revoked_after) = (None, Counter::Gates, None, None);
        let fleet = Fleet { machines, max_uses, counter, window, table, revoked_after };
        let size = u64::try_from(machines)?;
        row("one counter", Fleet { counter: Counter::One, ..fleet })?;
        row("gates", fleet)?;
        row("gates, for all", Fleet { max_uses: Some(size), ..fleet })?;
        row("gates, for half", Fleet { max_uses: Some(size / 2), ..fleet })?;
        row("gates", Fleet { table: Some(NEW_TABLE), ..fleet })?;
        row("gates, revoked", Fleet { revoked_after: Some(Duration::from_secs(1)), ..fleet })?;
    }
    Ok(true)
}

fn row(token: &str, fleet: Fleet) -> Result<(), Box<dyn Error>> {
    let Arrival { waits, all_in, all_told, requests, used, revoke, .. } = boot(fleet, SEED)?;
    let let_in = u32::try_from(waits.len())?;
    let each = |sum: f64| sum / f64::from(let_in.max(1));
    let at = |percent: usize| {
        let at = (waits.len() * percent / 100).min(waits.len().saturating_sub(1));
        waits.get(at).copied().unwrap_or_default().as_secs_f64()
    };
    let table = if fleet.table.is_some() { "new" } else { "warm" };
    let revoke = revoke.map_or_else(String::new, |(took, late)| {
        format!("{:.2}, {late} after", took.as_secs_f64())
    });
    say!(
        "| {} | {token} | {table} | {let_in} | {:.2} | {:.2} | {:.2} / {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {revoke} |",
        fleet.machines,
        all_in.as_secs_f64(),
        all_told.as_secs_f64(),
        at(50),
        at(99),
        each(f64::from(u32::try_from(used.transactions)?)),
        each(f64::from(u32::try_from(requests)?)),
        each(used.writes),
        each(used.reads),
    );
    Ok(())
}
