//! Counting the instructions of a part, and what is said of them.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::Error;
use crate::baseline::Baseline;
use crate::part::Part;

/// How often a part is done; then twice as often.
const TIMES: u64 = 100;
/// How often that is counted; the one in the middle counts. Hash maps are seeded anew by each
/// process, which lays its memory out otherwise.
const TRIES: usize = 5;

/// Prints; whoever has closed stdout does not want to read it.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

type Counts = BTreeMap<&'static str, u64>;

/// Counts, says so, and fails if a part takes more or less than the baseline.
pub(crate) fn hold_to_baseline() -> Result<(), Error> {
    let baseline = Baseline::read()?;
    let counts = all()?;
    let before = rows(|part| baseline.instructions.get(part.name()).copied().unwrap_or_default());
    say!("instructions for a new node: {:>19} {:>11}", "counted", "baseline");
    for ((name, count), (_, before)) in rows(|part| count_of(&counts, part)).iter().zip(before) {
        say!("{name:36}{count:>12}{before:>12}");
    }
    let built = built_by();
    if built != baseline.built_by {
        say!("the baseline is of {}, this is {built}: nothing is held to it", baseline.built_by);
        return Ok(());
    }
    counts.iter().try_for_each(|(part, count)| baseline.hold(part, *count))
}

/// Counts, and makes that the baseline.
pub(crate) fn write_baseline() -> Result<(), Error> {
    let counts = all()?.into_iter();
    let instructions = counts.map(|(part, count)| (part.to_owned(), count)).collect();
    Baseline { built_by: built_by(), instructions }.write()
}

fn built_by() -> String {
    format!("{} for {}", env!("RUSTC_VERSION"), std::env::consts::ARCH)
}

fn count_of(counts: &Counts, part: Part) -> u64 {
    counts.get(part.name()).copied().unwrap_or_default()
}

/// What a request takes, less the bare handler; then the parts that make it up.
fn rows(of: impl Fn(Part) -> u64) -> [(&'static str, u64); 8] {
    let [bare, whole, event, token, sdk, unsigned, store, reply] = Part::ALL.map(of);
    let rest = whole.saturating_sub(event + token + store + reply);
    [
        ("register-node, less a bare handler", whole.saturating_sub(bare)),
        ("  event parsing", event),
        ("  token", token),
        ("  SDK, less signing", unsigned),
        ("  signing", sdk.saturating_sub(unsigned)),
        ("  items and rules", store.saturating_sub(sdk)),
        ("  reply", reply),
        ("  the rest: fields, log, envelope", rest),
    ]
}

/// Counts every part, as many at a time as there are processors.
fn all() -> Result<Counts, Error> {
    let left = Mutex::new(Part::ALL.to_vec());
    let next = || left.lock().ok()?.pop();
    let worker = || {
        let mut counts = Counts::new();
        while let Some(part) = next() {
            counts.insert(part.name(), count(part)?);
        }
        Ok(counts)
    };
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(worker)).collect();
        let counted = workers.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(Error::work("a thread ended early")))
        });
        counted.collect::<Result<Vec<_>, _>>().map(|counts| counts.into_iter().flatten().collect())
    })
}

/// Instructions of a part.
fn count(part: Part) -> Result<u64, Error> {
    let mut counts = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let once = under_callgrind(part, TIMES)?;
        let twice = under_callgrind(part, 2 * TIMES)?;
        counts.push(twice.saturating_sub(once) / TIMES);
    }
    counts.sort_unstable();
    Ok(counts.get(TRIES / 2).copied().unwrap_or_default())
}

fn under_callgrind(part: Part, times: u64) -> Result<u64, Error> {
    let program = std::env::current_exe().map_err(Error::Valgrind)?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--"])
        .arg(program)
        .args([part.name(), &times.to_string()])
        // With it, the log has metrics.
        .env("STACK_NAME", "muster")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let done = valgrind.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NoValgrind,
        _ => Error::Valgrind(error),
    })?;
    let said = String::from_utf8_lossy(&done.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if done.status.success() => Ok(count),
        _ => {
            let last = said.lines().last().unwrap_or("it said nothing").to_owned();
            Err(Error::Failed(part.name(), last))
        }
    }
}
