//! How long fleets take that boot at once: in tables, in a plot, and held to targets.

use std::error::Error;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use muster_shared::domain::gate::WIDE_GATES;
use muster_sim::dynamodb::NEW_TABLE;
use muster_sim::fleet::{Arrival, Counter, Fleet, boot};
use muster_tests::page::{in_repository, write_part};

use crate::plot::{Line, draw};
use crate::terminal::say;

const PAGE: &str = "docs/PERFORMANCE.md";
const PLOT: &str = "docs/fleet.svg";
/// What is held to a target boots so many times, and the slowest counts.
const SEEDS: u64 = 3;
/// The largest fleet on one counter: it takes a minute for each thousand.
const MOST_ON_ONE: usize = 5_000;
/// The gates that the first design had.
const FEWER_GATES: u8 = 32;
/// Write units of a new node.
const UNITS: f64 = 4.0;
/// What the targets are set for.
const TARGET: usize = 5_000;
const WINDOW: Duration = Duration::from_millis(10);

/// Boots fleets, prints what came of it, and tells whether every target was met. The sizes besides
/// [`TARGET`] are for the plot. With `write` it all goes into the documentation.
pub(crate) fn fleets(sizes: &[usize], write: bool) -> Result<bool, Box<dyn Error>> {
    let mut bench = Bench { text: String::new(), progress: progress(), met: true };
    let lines = bench.sizes(sizes)?;
    bench.limits()?;
    bench.windows()?;
    bench.targets(&lines)?;
    bench.progress.finish_and_clear();
    if write {
        draw(&in_repository(PLOT), &lines)?;
        write_part(PAGE, "make bench-fleet", &bench.text)?;
    }
    Ok(bench.met)
}

fn progress() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {msg}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_secs(1));
    progress
}

struct Bench {
    text: String,
    progress: ProgressBar,
    met: bool,
}

impl Bench {
    /// The three ways to count, for fleets of several sizes.
    fn sizes(&mut self, sizes: &[usize]) -> Result<Vec<Line>, Box<dyn Error>> {
        self.head("counted on");
        let counters = [
            ("one counter", Counter::One),
            ("32 gates", Counter::Gates(FEWER_GATES)),
            ("80 gates", Counter::Gates(WIDE_GATES)),
        ];
        let mut lines = Vec::new();
        for (name, counter) in counters {
            let mut points = Vec::new();
            let most = if counter == Counter::One { MOST_ON_ONE } else { usize::MAX };
            for machines in sizes.iter().copied().filter(|machines| *machines <= most) {
                let fleet = Fleet { counter, ..Fleet::of(machines, WINDOW) };
                points.push((machines, self.row(name, fleet)?.all_in));
            }
            lines.push(Line { name, points });
        }
        Ok(lines)
    }

    /// Tokens with a limit, a table without spare capacity, and a revoke.
    fn limits(&mut self) -> Result<(), Box<dyn Error>> {
        self.head("what is different");
        for machines in [TARGET, 2 * TARGET] {
            let fleet = Fleet::of(machines, WINDOW);
            let size = u64::try_from(machines)?;
            self.row("uses for all", Fleet { max_uses: Some(size), ..fleet })?;
            self.row("uses for half", Fleet { max_uses: Some(size / 2), ..fleet })?;
            self.row("a new table", Fleet { table: Some(NEW_TABLE), ..fleet })?;
            let revoked_after = Some(Duration::from_millis(500));
            self.row("revoked after 0.5 s", Fleet { revoked_after, ..fleet })?;
        }
        Ok(())
    }

    /// How much it depends on what is not published.
    fn windows(&mut self) -> Result<(), Box<dyn Error>> {
        self.head("an item is held for");
        for millis in [8, 10, 15] {
            let fleet = Fleet::of(TARGET, Duration::from_millis(millis));
            self.row(&format!("{millis} ms"), fleet)?;
        }
        Ok(())
    }

    fn targets(&mut self, lines: &[Line]) -> Result<(), Box<dyn Error>> {
        let fleet = Fleet::of(TARGET, WINDOW);
        let warm = self.slowest("targets", fleet)?;
        let new = self.slowest("targets", Fleet { table: Some(NEW_TABLE), ..fleet })?;
        let revoked_after = Some(Duration::from_millis(500));
        let revoked = self.slowest("targets", Fleet { revoked_after, ..fleet })?;
        let (took, late) = revoked.revoke.unwrap_or((Duration::MAX, usize::MAX));
        let needed = UNITS * f64::from(u32::try_from(TARGET)?) / NEW_TABLE.writes;
        let one = lines.iter().find(|line| line.name == "one counter");
        let one = one.and_then(|line| line.points.iter().find(|(n, _)| *n == TARGET));
        let one = one.map(|(_, all_in)| all_in.as_secs_f64() / warm.all_in.as_secs_f64());
        self.line(&format!("\n| for {TARGET} machines and 10 ms | is | may be | |"));
        self.line("| --- | --- | --- | --- |");
        self.target("all in, s", warm.all_in.as_secs_f64(), 4.5);
        self.target("transactions each", warm.each(warm.used.transactions)?, 4.0);
        let over = new.all_in.as_secs_f64() / needed;
        self.target("on a new table, times what its write units take", over, 1.15);
        if let Some(times) = one {
            self.judge("one counter, times as long", times, "at least 10", times >= 10.0);
        }
        self.target("a revoke, s", took.as_secs_f64(), 2.0);
        self.target("let in of those that asked after it", f64::from(u32::try_from(late)?), 0.0);
        Ok(())
    }

    fn target(&mut self, what: &str, is: f64, most: f64) {
        self.judge(what, is, &format!("{most:.2}"), is <= most);
    }

    fn judge(&mut self, what: &str, is: f64, may_be: &str, met: bool) {
        self.met &= met;
        let met = if met { "met" } else { "missed" };
        self.line(&format!("| {what} | {is:.2} | {may_be} | {met} |"));
    }

    /// Prints a line, and keeps it.
    fn line(&mut self, line: &str) {
        self.progress.suspend(|| say!("{line}"));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn head(&mut self, what: &str) {
        self.line(&format!(
            "\n| machines | {what} | let in | all in, s | all told, s | wait p50 / p99, s | transactions | write units | read units | requests | `429` | `busy` | throttled | revoke, s |"
        ));
        self.line(&format!("|{}", " --- |".repeat(14)));
    }

    fn row(&mut self, what: &str, fleet: Fleet) -> Result<Arrival, Box<dyn Error>> {
        let arrival = self.boot(what, fleet, 1)?;
        let revoke = arrival.revoke.map_or_else(String::new, |(took, late)| {
            format!("{:.2}, {late} in after", took.as_secs_f64())
        });
        self.line(&format!(
            "| {} | {what} | {} | {:.2} | {:.2} | {:.2} / {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {} | {revoke} |",
            fleet.machines,
            arrival.waits.len(),
            arrival.all_in.as_secs_f64(),
            arrival.all_told.as_secs_f64(),
            arrival.wait(50).as_secs_f64(),
            arrival.wait(99).as_secs_f64(),
            arrival.each(arrival.used.transactions)?,
            arrival.each_units(arrival.used.writes)?,
            arrival.each_units(arrival.used.reads)?,
            arrival.each(u64::try_from(arrival.requests)?)?,
            arrival.turned_away,
            arrival.busy,
            arrival.used.throttled,
        ));
        Ok(arrival)
    }

    fn boot(&self, what: &str, fleet: Fleet, seed: u64) -> Result<Arrival, Box<dyn Error>> {
        self.progress.set_message(format!("{} machines, {what}, seed {seed}", fleet.machines));
        boot(fleet, seed)
    }

    /// The slowest of some fleets that are alike.
    fn slowest(&self, what: &str, fleet: Fleet) -> Result<Arrival, Box<dyn Error>> {
        let mut slowest: Option<Arrival> = None;
        for seed in 1..=SEEDS {
            let arrival = self.boot(what, fleet, seed)?;
            if slowest.as_ref().is_none_or(|other| arrival.all_told > other.all_told) {
                slowest = Some(arrival);
            }
        }
        slowest.ok_or_else(|| "no fleet".into())
    }
}
