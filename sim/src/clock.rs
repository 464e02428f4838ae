//! Virtual time, and the clocks that tell it, each a little wrong.

use std::time::Duration;

use muster_shared::domain::timestamp::Timestamp;
use muster_shared::environment::Clock;
use tokio::time::Instant;

/// When every world begins, in seconds since the epoch.
const BEGINNING: i64 = 1_900_000_000;

/// Virtual time since a world began. It runs only while everybody waits.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    began: Instant,
}

impl Time {
    /// A time that begins now.
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// How long the world has been there.
    pub fn elapsed(self) -> Duration {
        self.began.elapsed()
    }

    /// When the world has been there for so long.
    pub fn at(self, elapsed: Duration) -> Instant {
        self.began + elapsed
    }

    /// The second that it is `elapsed` after the beginning.
    pub fn second(elapsed: Duration) -> Timestamp {
        let seconds = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix(BEGINNING.saturating_add(seconds))
    }
}

/// The clock of one machine.
#[derive(Debug)]
pub struct Skewed {
    /// What it should tell.
    pub time: Time,
    /// How far it is ahead of that.
    pub ahead: Duration,
}

/// How far a clock is wrong at most. A clock is never behind the beginning: all are ahead of it by
/// up to twice this, and the true time is in the middle.
pub const SKEW: Duration = Duration::from_secs(1);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Time::second(self.time.elapsed() + self.ahead)
    }
}
