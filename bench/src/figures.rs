//! Times of many runs, and what is shown of them.

use std::fmt;
use std::time::Duration;

/// The times of many runs of one thing.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<Duration>);

impl Figures {
    /// Adds a run.
    pub fn push(&mut self, took: Duration) {
        let at = self.0.partition_point(|other| *other <= took);
        self.0.insert(at, took);
    }

    /// The shortest.
    pub fn least(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// The one in the middle; the later of two.
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn most(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Figures {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl fmt::Display for Figures {
    /// Least, median and most, in milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, median, most] = [self.least(), self.median(), self.most()].map(milliseconds);
        f.pad(&format!("{least:.2} / {median:.2} / {most:.2}"))
    }
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_any_order_have_a_least_a_median_and_a_most() {
        let mut figures = Figures::default();
        for milliseconds in [5, 1, 4, 2, 3] {
            figures.push(Duration::from_millis(milliseconds));
        }
        assert_eq!(figures.to_string(), "1.00 / 3.00 / 5.00");
        let collected: Figures = [3, 1, 2].into_iter().map(Duration::from_millis).collect();
        assert_eq!(collected.to_string(), "1.00 / 2.00 / 3.00");
        assert_eq!(Figures::default().to_string(), "0.00 / 0.00 / 0.00");
    }
}
