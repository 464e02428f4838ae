//! `make bench-cold`: what a cold start takes, and whether that is what it may take.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use muster_bench::Error;
use muster_bench::cold::{Contestant, Starts, starts};
use muster_bench::figures::{Figures, milliseconds};
use muster_bench::quota::Quota;
use muster_bench::scene::Scene;
use muster_bench::size::Size;

const MEGABYTE: f64 = 1e6;

/// Prints; whoever has closed stdout does not want to read it.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [release, runs] = arguments.as_slice() else {
        return fail("usage: cold DIRECTORY-OF-THE-BINARIES RUNS");
    };
    let Ok(runs @ 1..) = runs.parse() else {
        return fail(&format!("RUNS is {runs:?}; set it to a number from 1, such as RUNS=30"));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let measured = runtime
        .map_err(|error| Error::System("no threads", error))
        .and_then(|runtime| runtime.block_on(measure(release.as_ref(), runs)));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(why: &str) -> ExitCode {
    // There is nobody left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "bench-cold: {why}");
    ExitCode::FAILURE
}

/// Measures and prints. Tells whether every target is met.
async fn measure(release: &Path, runs: usize) -> Result<bool, Error> {
    let contestant = |name, binary, status| {
        let program = release.join(binary);
        Contestant { name, program, status }
    };
    let contestants = [
        contestant("hello world", "bench-hello", None),
        contestant("register-node", "bench-register-node", Some(201)),
        contestant("with the SDK's TLS", "bench-default-tls", Some(201)),
    ];
    let scene = Scene::set().await?;
    say!("{runs} cold starts of each, by turns; least / median / most, in ms");
    let whole = starts(&scene, &contestants, runs, None, progress(runs)).await?;
    table("a whole core", &contestants, &whole);
    let quota = Quota::AT_128_MB;
    let fourteenth = starts(&scene, &contestants, runs, Some(quota), progress(runs)).await?;
    let share = format!(
        "a fourteenth of a core: {:.3} ms in every {:.0} ms",
        milliseconds(quota.share),
        milliseconds(quota.period)
    );
    table(&share, &contestants, &fourteenth);
    let size = Size::of(&release.join("register-node"))?;
    Ok(match whole.as_slice() {
        [hello, register_node, ..] => targets(hello, register_node, size),
        _ => false,
    })
}

/// Says how far it is, where somebody waits for it.
fn progress(runs: usize) -> impl FnMut(usize) {
    move |run| {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            let end = if run == runs { "\n" } else { "" };
            let _ = write!(stderr, "\rrun {run} of {runs}{end}");
        }
    }
}

fn table(title: &str, contestants: &[Contestant], starts: &[Starts]) {
    say!("\n{title}");
    row("", contestants.iter().map(|contestant| contestant.name.to_owned()));
    let figures = |name, of: fn(&Starts) -> &Figures| {
        row(name, starts.iter().map(|starts| of(starts).to_string()));
    };
    figures("init", |starts| &starts.init);
    figures("first invoke", |starts| &starts.first);
    figures("second invoke", |starts| &starts.second);
    figures("init + first invoke", |starts| &starts.both);
    let hello = starts.first().map(|starts| starts.both.median()).unwrap_or_default();
    let times = starts.iter().map(|starts| ratio(starts.both.median(), hello));
    row("times the hello world, by the medians", times.map(|times| format!("{times:.2}")));
    let peaks = starts.iter().map(|starts| megabytes(starts.peak));
    row("most memory resident, in MB", peaks.map(|peak| format!("{peak:.2}")));
}

fn row(name: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.map(|cell| format!("{cell:25}")).collect();
    say!("{name:38}{}", cells.concat().trim_end());
}

/// Judges by the medians. Tells whether every target is met.
fn targets(hello: &Starts, register_node: &Starts, size: Size) -> bool {
    let over = ratio(register_node.both.median(), hello.both.median());
    let targets = [
        ("init + first invoke", over, 3.5, " x hello world"),
        ("first invoke", milliseconds(register_node.first.median()), 1.0, " ms"),
        ("the binary, stripped", megabytes(size.binary), 5.0, " MB"),
        ("the archive", megabytes(size.zip), 2.2, " MB"),
        ("memory resident", megabytes(register_node.peak), 8.0, " MB"),
    ];
    say!("\nwhat register-node may take; times by the medians, on a whole core");
    for (what, is, may, unit) in targets {
        let verdict = if is <= may { "met" } else { "MISSED" };
        say!("{what:46}{is:>6.2} of {may:.2}{unit:18}{verdict}");
    }
    targets.iter().all(|(_, is, may, _)| is <= may)
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes).map_or(f64::INFINITY, f64::from) / MEGABYTE
}
