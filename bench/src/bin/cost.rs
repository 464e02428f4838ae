//! `make cost`: what a million of each call costs, and an idle month, and whether that is what it
//! may cost.
//!
//! The same binary is every function: with `_HANDLER` in its environment, as Lambda sets it, it
//! serves that one.

#![allow(clippy::print_stdout, reason = "it is there to print its figures")]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use muster_bench::Error;
use muster_bench::cost::bill::{Bill, Taken};
use muster_bench::cost::calls::{self, CASCADE, Call, ENROLLMENT, HEARTBEAT, NODES, REPEAT};
use muster_bench::cost::idle::{self, Standing};
use muster_bench::cost::measure::measure;
use muster_bench::cost::prices::{Assumption, Prices};
use muster_bench::cost::table::Table;
use muster_bench::cost::template::Template;
use muster_local::endpoints;
use muster_local::engine::Engine;
use muster_shared::lambda;
use muster_shared::store::{Patience, WarmUp};

/// What a million may cost, in US dollars.
const TARGETS: [(&str, f64); 2] = [(ENROLLMENT, 4.5), (REPEAT, 2.0)];
/// What an idle month may cost beyond what is free of charge and beyond stored bytes: it is shown
/// as nothing.
const IDLE: f64 = 0.005;

fn main() -> ExitCode {
    if let Ok(function) = std::env::var("_HANDLER") {
        return match serve(&function) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let shown = runtime
        .map_err(|error| Error::System("no threads", error))
        .and_then(|runtime| runtime.block_on(show()));
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(why: &str) -> ExitCode {
    // There is nobody left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "cost: {why}");
    ExitCode::FAILURE
}

fn serve(function: &str) -> Result<(), lambda::Error> {
    if function == CASCADE {
        return lambda::serve_events(WarmUp::Removals, |session, event| async move {
            member_cascade::handle(&session, event, Patience::default()).await
        });
    }
    let endpoint = endpoints().iter().find(|endpoint| endpoint.name == function);
    lambda::serve(endpoint.ok_or_else(|| format!("no function is called {function}"))?)
}

/// Measures and prints all of it. Tells whether every target is met.
async fn show() -> Result<bool, Error> {
    let prices = Prices::read()?;
    let template = Template::read()?;
    let program = std::env::current_exe().map_err(|error| Error::System("no program", error))?;
    let engine = Engine::in_memory().await?;
    let table = Table::before(&engine, prices.assumptions.clone()).await?;
    let take = async |call: &Call| measure(&program, call, &table, &prices, &template).await;
    let round = take(&calls::idle_round()).await?;
    let calls = calls::calls(&engine).await?;
    let mut rows = Vec::new();
    for (n, call) in calls.iter().enumerate() {
        progress(n + 1, calls.len());
        let taken = take(call).await?;
        rows.push((call, taken, Bill::of(&taken, &prices, &template)));
    }

    println!(
        "US dollars for a million of each, by the list prices of {} in {}, on arm64 with {} MB.\n",
        prices.date, prices.region, template.memory_mb
    );
    head();
    for (call, taken, bill) in &rows {
        row(&call.name, taken, bill);
    }
    per_node(&rows);
    heartbeats(&rows);
    println!(
        "\nBytes of the largest item of each kind that was put; a write unit is for each 1024."
    );
    for (kind, bytes) in table.largest() {
        println!("{kind:38}{bytes:6}");
    }
    println!("\nA month in which nothing happens, but for stored bytes.");
    println!("{:32} {:>12} {:>10} {:>22}", "", "amount", "list", "beyond what is free");
    let month = idle::month(&round, &prices, &template);
    for Standing { what, amount, list, beyond } in &month {
        println!("{what:32} {amount:12.2} {list:10.4} {beyond:22.4}");
    }
    let [list, beyond] = [
        month.iter().map(|standing| standing.list).sum::<f64>(),
        month.iter().map(|standing| standing.beyond).sum(),
    ];
    println!("{:32} {:12} {list:10.4} {beyond:22.4}", "together", "");
    let stored = &prices.prices;
    println!(
        "Stored, for each GB and month: the table {:.2} and its recovery {:.2}, logs {:.2}.",
        stored.dynamodb_stored_gb_month.of(1.0),
        stored.dynamodb_recovery_gb_month.of(1.0),
        stored.logs_stored_gb_month.of(1.0)
    );
    println!(
        "While calls come in, each custom metric costs {:.2} a month, by the hour.",
        stored.metric_month.of(1.0)
    );
    assumed(&prices);

    println!("\nTargets");
    let sums = TARGETS.iter().map(|(name, most)| {
        let row = rows.iter().find(|(call, ..)| call.name == *name);
        (*name, row.map_or(f64::INFINITY, |(.., bill)| bill.sum()), *most)
    });
    let idle = ("an idle month", beyond, IDLE);
    let mut met = true;
    for (what, is, most) in sums.chain([idle]) {
        let verdict = if is <= most { "met" } else { "MISSED" };
        println!("{what:44} {is:7.3} of at most {most:.3}  {verdict}");
        met &= is <= most;
    }
    Ok(met)
}

/// Says how far it is, where somebody waits for it.
fn progress(n: usize, of: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let end = if n == of { "\n" } else { "" };
        let _ = write!(stderr, "\rcall {n} of {of}{end}");
    }
}

fn head() {
    println!(
        "{:38}{:>6}{:>6}{:>6}{:>8}{:>8}{:>8}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}",
        "",
        "calls",
        "WRU",
        "RRU",
        "CPU ms",
        "billed",
        "log B",
        "answer B",
        "table",
        "API",
        "invoke",
        "time",
        "logs",
        "sent",
        "sum",
        "x86_64"
    );
}

fn row(name: &str, taken: &Taken, bill: &Bill) {
    let http = taken.http.unwrap_or_default();
    println!(
        "{name:38}{:6}{:6.1}{:6.1}{:8.2}{:8}{:8.0}{:9.0}{:9.3}{:8.3}{:8.3}{:8.3}{:8.3}{:8.3}{:9.3}{:9.3}",
        taken.table.calls,
        taken.table.write_units,
        taken.table.read_units,
        milliseconds(taken.cpu),
        milliseconds(bill.billed),
        taken.log_bytes + http.access_log_bytes,
        http.answer_bytes,
        bill.table,
        bill.api,
        bill.invocations,
        bill.duration,
        bill.logs,
        bill.transfer,
        bill.sum(),
        bill.sum() + bill.x86_64
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What one more node costs in the removal of a member.
fn per_node(rows: &[(&Call, Taken, Bill)]) {
    let sums: Vec<_> = rows
        .iter()
        .filter(|(call, ..)| call.function == CASCADE)
        .map(|(.., bill)| bill.sum())
        .collect();
    if let ([few, many], [less, more]) = (NODES.map(u32::try_from), sums.as_slice())
        && let (Ok(few), Ok(many)) = (few, many)
    {
        let each = (more - less) / f64::from(many - few);
        println!("{:126}{each:9.3}", "member-cascade: each node more");
    }
}

/// What the heartbeats of devices cost by how often they are sent.
fn heartbeats(rows: &[(&Call, Taken, Bill)]) {
    let Some((.., bill)) = rows.iter().find(|(call, ..)| call.name == HEARTBEAT) else { return };
    println!("\nHeartbeats of a thousand devices, in US dollars a month of thirty days");
    for minutes in [1.0, 5.0, 15.0] {
        let each = idle::MONTH / minutes;
        let sum = bill.sum() * each * 1e3 / 1e6;
        println!("every {minutes:2} minutes: {each:6.0} from each {sum:8.2}");
    }
}

fn assumed(prices: &Prices) {
    let assumptions = &prices.assumptions;
    println!("\nAssumed, not measured");
    for (what, Assumption { value, why }) in [
        ("ms for a read", &assumptions.read_ms),
        ("ms for a write", &assumptions.write_ms),
        ("ms for a transaction", &assumptions.transaction_ms),
        ("MB for a whole core", &assumptions.core_mb),
        ("bytes added to a log event", &assumptions.log_event_overhead),
        ("bytes in a GB", &assumptions.gb),
    ] {
        println!("{value:10} {what}: {why}");
    }
}
