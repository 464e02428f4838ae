//! How long is waited before something is tried again.

use std::time::Duration;

/// Repeats that wait at most a second each.
const EVEN: usize = 20;
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses with full jitter, as docs/API.md asks for: between nothing and a second before each of the first
/// twenty repeats, and then up to twice as much before each further one. They never end.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    let even = std::iter::repeat_n(Duration::from_secs(1), EVEN);
    let longer = std::iter::successors(Some(Duration::from_secs(2)), |last| {
        Some(last.saturating_mul(2).min(LONGEST))
    });
    even.chain(longer).map(|longest| longest.mul_f64(fastrand::f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_pauses_take_a_second_at_most_and_the_others_half_a_minute() {
        let pauses: Vec<_> = pauses().take(100).collect();
        let (even, rest) = pauses.split_at(20);
        assert!(even.iter().all(|pause| *pause <= Duration::from_secs(1)));
        assert!(rest.iter().all(|pause| *pause <= LONGEST));
        assert!(rest.iter().any(|pause| *pause > Duration::from_secs(1)));
    }
}
