//! A share of a core, as Lambda gives it to a small function, without asking for privileges.
//!
//! The scheduler's own bandwidth control (`cpu.max`) needs a cgroup that one may write to. This does
//! what it does from outside: in each period a process may use its share of CPU time; when that is
//! gone it is stopped until the next period begins. What it has used is read from its own CPU clock,
//! over and over, so a period can be overdrawn by as much as one round of that takes, which is some
//! microseconds as long as there is a core to spare for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Error;

/// CPU time in each period.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// What a process may use.
    pub share: Duration,
    /// In how long.
    pub period: Duration,
}

impl Quota {
    /// What Lambda gives at 128 MB: a core at 1769 MB, hence a fourteenth of one.
    pub const AT_128_MB: Self =
        Self { share: Duration::from_micros(1447), period: Duration::from_millis(20) };
}

/// Keeps a process to its quota until it is dropped.
#[derive(Debug)]
pub struct Throttle {
    lifted: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
}

impl Throttle {
    /// Puts a quota on the process `id`, whose first period begins at once.
    pub(crate) fn put_on(id: u32, quota: Quota) -> Result<Self, Error> {
        let refused = |error: nix::Error| Error::System("the function's CPU clock", error.into());
        let pid = Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX));
        let clock = clock_getcpuclockid(pid).map_err(refused)?;
        let lifted = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&lifted);
        let keeper = std::thread::spawn(move || keep(pid, clock, quota, &watched));
        Ok(Self { lifted, keeper: Some(keeper) })
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.lifted.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            // It panics at nothing; a process that it left stopped is killed next.
            let _ = keeper.join();
        }
    }
}

fn keep(pid: Pid, clock: ClockId, quota: Quota, lifted: &AtomicBool) {
    let mut period_ends = Instant::now() + quota.period;
    let Some(mut used_before) = used(clock) else { return };
    while !lifted.load(Ordering::Relaxed) {
        // A process that has ended has no clock any more.
        let Some(used_now) = used(clock) else { return };
        if used_now.saturating_sub(used_before) >= quota.share {
            let _ = kill(pid, Signal::SIGSTOP);
            std::thread::sleep(period_ends.saturating_duration_since(Instant::now()));
            let _ = kill(pid, Signal::SIGCONT);
        }
        if Instant::now() >= period_ends {
            period_ends += quota.period;
            used_before = used(clock).unwrap_or(used_now);
        }
    }
}

fn used(clock: ClockId) -> Option<Duration> {
    clock_gettime(clock).ok().map(Duration::from)
}
