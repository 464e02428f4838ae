//! Looks for a world that breaks a promise.

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use muster_shared::environment::Environment;
use muster_sim::world::{Evidence, Options, run};

use crate::terminal::{complain, say};

/// Runs the kept seeds, and then new ones. Tells whether every promise was kept.
pub(crate) fn search(
    time: Duration,
    from: Option<u64>,
    kept: Option<&Path>,
    jobs: Option<usize>,
) -> Result<bool, Box<dyn Error>> {
    let kept = kept.map(seeds_in).transpose()?.unwrap_or_default();
    let from = from.unwrap_or_else(drawn);
    say!("{} kept seeds, then new ones from {from} for {} s", kept.len(), time.as_secs());
    let until = Instant::now() + time;
    let seeds = kept.into_iter().chain((0..).map(|n| from.wrapping_add(n)));
    let found = each(seeds, &Options::default(), jobs, |_| Instant::now() < until)?;
    found.tell();
    Ok(found.broken.is_empty())
}

fn seeds_in(file: &Path) -> Result<Vec<u64>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let seeds = lines.filter(|line| !line.is_empty()).map(str::parse);
    seeds.collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", file.display()).into())
}

/// Small enough to be told to somebody.
fn drawn() -> u64 {
    let mut bytes = [0; 4];
    Environment::system().entropy.fill(&mut bytes);
    u32::from_be_bytes(bytes).into()
}

/// What came of many worlds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) worlds: u64,
    pub(crate) broken: BTreeMap<u64, Vec<String>>,
    requests: usize,
    attempts: usize,
    faults: BTreeMap<(&'static str, String), u64>,
    answers: BTreeMap<String, u64>,
    took: Duration,
}

impl Found {
    fn add(&mut self, seed: u64, evidence: Evidence) {
        self.worlds += 1;
        self.requests += evidence.history.requests.len();
        self.attempts += evidence.history.attempts.len();
        for (met, times) in evidence.history.coverage {
            *self.faults.entry(met).or_default() += times;
        }
        for attempt in &evidence.history.attempts {
            let answer = match &attempt.answer {
                None => "none".to_owned(),
                Some((_, answer)) if answer.is_success() => answer.status.to_string(),
                Some((_, answer)) => format!("{} {}", answer.status, answer.code()),
            };
            *self.answers.entry(answer).or_default() += 1;
        }
        if !evidence.violations.is_empty() {
            self.broken.insert(seed, evidence.violations);
        }
    }

    /// Prints it: which fault met which step how often, which answers were given, and what broke.
    fn tell(&self) {
        let mut by_fault: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((fault, step), times) in &self.faults {
            by_fault.entry(fault).or_default().push(format!("{step} {times}"));
        }
        for (fault, steps) in by_fault {
            say!("{fault}: {}", steps.join(", "));
        }
        let answers = self.answers.iter().map(|(answer, times)| format!("{answer}: {times}"));
        say!("answers: {}", answers.collect::<Vec<_>>().join(", "));
        for (seed, violations) in &self.broken {
            say!("seed {seed}, `make sim SEED={seed}` replays it:");
            for violation in violations {
                say!("  {violation}");
            }
        }
        let minutes = self.took.as_secs_f64() / 60.0;
        #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
        let rate = self.worlds as f64 / minutes;
        say!(
            "{} worlds, {} requests in {} attempts, {rate:.0} worlds a minute, {} broken",
            self.worlds,
            self.requests,
            self.attempts,
            self.broken.len()
        );
    }
}

/// Runs worlds side by side while `go_on` says so.
pub(crate) fn each(
    seeds: impl Iterator<Item = u64> + Send,
    options: &Options,
    jobs: Option<usize>,
    go_on: impl Fn(&Found) -> bool + Sync,
) -> Result<Found, Box<dyn Error>> {
    let jobs = jobs.or_else(|| std::thread::available_parallelism().ok().map(NonZero::get));
    let began = Instant::now();
    let seeds = Mutex::new(seeds);
    let found = Mutex::new(Found::default());
    let failed = Mutex::new(None);
    let stop = AtomicBool::new(false);
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {pos} worlds, {per_sec}") {
        progress.set_style(style);
    }
    std::thread::scope(|scope| {
        for _ in 0..jobs.unwrap_or(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) && go_on(&lock(&found)) {
                    let Some(seed) = lock(&seeds).next() else { break };
                    match run(seed, options) {
                        Ok(evidence) => {
                            lock(&found).add(seed, evidence);
                            progress.inc(1);
                        }
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            *lock(&failed) = Some(error.to_string());
                        }
                    }
                }
            });
        }
    });
    progress.finish_and_clear();
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = failed {
        complain!("a world did not begin");
        return Err(error.into());
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.took = began.elapsed();
    Ok(found)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
