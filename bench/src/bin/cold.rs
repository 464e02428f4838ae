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
macro_rules! say_on {
    ($($text:tt)*) => {{
        let _ = write!(std::io::stdout(), $($text)*);
    }};
}
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(why: &str) -> ExitCode {
    // There is nobody left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "bench-cold: {why}");
    ExitCode::FAILURE
}

async fn measure(release: &Path, runs: usize) -> Result<(), Error> {
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
    if let [hello, register_node, ..] = whole.as_slice() {
        targets(hello, register_node, size);
    }
    Ok(())
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
    say_on!("{:38}", "");
    for contestant in contestants {
        say_on!("{:25}", contestant.name);
    }
    say!();
    row("init", starts, |starts| &starts.init);
    row("first invoke", starts, |starts| &starts.first);
    row("second invoke", starts, |starts| &starts.second);
    row("init + first invoke", starts, |starts| &starts.both);
    times("times the hello world, by the medians", starts, Figures::median);
    times("times the hello world, by the least", starts, Figures::least);
    say_on!("{:38}", "most memory resident, in MB");
    for starts in starts {
        say_on!("{:<25.2}", megabytes(starts.peak));
    }
    say!();
}

fn row(name: &str, starts: &[Starts], of: fn(&Starts) -> &Figures) {
    say_on!("{name:38}");
    for starts in starts {
        say_on!("{:25}", of(starts));
    }
    say!();
}

fn times(name: &str, starts: &[Starts], of: fn(&Figures) -> Duration) {
    let hello = starts.first().map(|starts| of(&starts.both)).unwrap_or_default();
    say_on!("{name:38}");
    for starts in starts {
        say_on!("{:<25.2}", ratio(of(&starts.both), hello));
    }
    say!();
}

/// Judges by the least of the runs: what else the machine does only adds to it.
fn targets(hello: &Starts, register_node: &Starts, size: Size) {
    say!("\nwhat register-node may take; times by the least");
    let target = |what: &str, is: f64, may: f64, unit: &str| {
        let verdict = if is <= may { "met" } else { "MISSED" };
        say!("{what:46}{is:>6.2} of {may:.2}{unit:18}{verdict}");
    };
    let over = ratio(register_node.both.least(), hello.both.least());
    target("init + first invoke", over, 3.5, " x hello world");
    target("first invoke", milliseconds(register_node.first.least()), 1.0, " ms");
    target("the binary, stripped", megabytes(size.binary), 5.0, " MB");
    target("the archive", megabytes(size.zip), 2.2, " MB");
    target("memory resident", megabytes(register_node.peak), 8.0, " MB");
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes).map_or(f64::INFINITY, f64::from) / MEGABYTE
}
