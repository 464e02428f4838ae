//! `make bench-cold`: what a cold start takes, and whether that is what it may take.

#![allow(clippy::print_stdout, reason = "it is there to print its figures")]

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use muster_bench::Error;
use muster_bench::cold::{Contestant, Starts, starts};
use muster_bench::figures::{Figures, milliseconds};
use muster_bench::quota::Quota;
use muster_bench::scene::Scene;
use muster_bench::size::Size;

const RUNS: usize = 30;
const MEGABYTE: f64 = 1e6;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(release), Some(default_tls), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return fail("usage: cold DIRECTORY-OF-THE-FUNCTIONS BINARY-WITH-THE-DEFAULT-TLS");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let measured = runtime
        .map_err(|error| Error::System("no threads", error))
        .and_then(|runtime| runtime.block_on(measure(&release, default_tls)));
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

async fn measure(release: &Path, default_tls: PathBuf) -> Result<(), Error> {
    let registers = Some(201);
    let contestants = [
        Contestant { name: "hello world", program: release.join("bench-hello"), status: None },
        Contestant {
            name: "register-node",
            program: release.join("bench-register-node"),
            status: registers,
        },
        Contestant { name: "with the SDK's TLS", program: default_tls, status: registers },
    ];
    let scene = Scene::set().await?;
    println!("{RUNS} cold starts of each, by turns; least / median / most, in ms");
    let whole = starts(&scene, &contestants, RUNS, None, progress).await?;
    table("a whole core", &contestants, &whole);
    let quota = Quota::AT_128_MB;
    let fourteenth = starts(&scene, &contestants, RUNS, Some(quota), progress).await?;
    let share = format!(
        "a fourteenth of a core: {} ms in every {} ms",
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
fn progress(run: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\rrun {run} of {RUNS} ");
        if run == RUNS {
            let _ = write!(stderr, "\r{:20}\r", "");
        }
    }
}

fn table(title: &str, contestants: &[Contestant], starts: &[Starts]) {
    println!("\n{title}");
    print!("{:38}", "");
    for contestant in contestants {
        print!("{:25}", contestant.name);
    }
    println!();
    row("init", starts, |starts| &starts.init);
    row("first invoke", starts, |starts| &starts.first);
    row("second invoke", starts, |starts| &starts.second);
    row("init + first invoke", starts, |starts| &starts.both);
    let least = starts.first().map(|starts| starts.both.median()).unwrap_or_default();
    print!("{:38}", "times the hello world, by the medians");
    for starts in starts {
        print!("{:<25.2}", ratio(starts.both.median(), least));
    }
    println!();
    print!("{:38}", "most memory resident, in MB");
    for starts in starts {
        print!("{:<25.2}", megabytes(starts.peak));
    }
    println!();
}

fn row(name: &str, starts: &[Starts], of: fn(&Starts) -> &Figures) {
    print!("{name:38}");
    for starts in starts {
        print!("{:25}", of(starts));
    }
    println!();
}

fn targets(hello: &Starts, register_node: &Starts, size: Size) {
    println!("\nwhat register-node may take");
    let target = |what: &str, is: f64, may: f64, unit: &str| {
        let verdict = if is <= may { "met" } else { "MISSED" };
        println!("{what:46}{is:>6.2} of {may:.2}{unit:18}{verdict}");
    };
    let over = ratio(register_node.both.median(), hello.both.median());
    target("init + first invoke", over, 3.5, " x hello world");
    target("first invoke", milliseconds(register_node.first.median()), 1.0, " ms");
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
