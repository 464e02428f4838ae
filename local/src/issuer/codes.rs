//! What is kept in memory for a while, under codes that are handed out.

use std::collections::VecDeque;
use std::time::Duration;

use muster_shared::domain::timestamp::Timestamp;
use sha2::{Digest, Sha256};

/// How many are kept at the most; with one more, the oldest goes.
const MOST: usize = 1_000;

/// What is kept, oldest first.
pub(super) struct Codes<T> {
    lifetime: Duration,
    kept: VecDeque<Kept<T>>,
}

/// What is kept under one code.
pub(super) struct Kept<T> {
    /// The code's: how long a comparison with it takes tells nothing of the code.
    digest: [u8; 32],
    expires_at: Timestamp,
    pub(super) what: T,
}

impl<T> Kept<T> {
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

impl<T> Codes<T> {
    pub(super) const fn new(lifetime: Duration) -> Self {
        Self { lifetime, kept: VecDeque::new() }
    }

    /// Keeps something under a code.
    pub(super) fn keep(&mut self, code: &str, what: T, now: Timestamp) {
        if self.kept.len() >= MOST {
            self.kept.pop_front();
        }
        let expires_at = now.after(self.lifetime);
        self.kept.push_back(Kept { digest: digest(code), expires_at, what });
    }

    /// What is kept under a code.
    pub(super) fn find(&mut self, code: &str) -> Option<&mut Kept<T>> {
        let digest = digest(code);
        self.kept.iter_mut().find(|kept| kept.digest == digest)
    }

    /// The same, which is not kept any longer.
    pub(super) fn take(&mut self, code: &str) -> Option<Kept<T>> {
        let digest = digest(code);
        let place = self.kept.iter().position(|kept| kept.digest == digest)?;
        self.kept.remove(place)
    }

    /// All that has not expired.
    pub(super) fn holding(&mut self, now: Timestamp) -> impl Iterator<Item = &mut T> {
        self.kept.iter_mut().filter(move |kept| !kept.has_expired(now)).map(|kept| &mut kept.what)
    }
}

fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_900_000_000);

    #[test]
    fn what_is_taken_is_gone() {
        let mut codes = Codes::new(Duration::from_mins(1));
        codes.keep("a", 1, NOW);
        assert_eq!(codes.take("b").map(|kept| kept.what), None);
        assert_eq!(codes.take("a").map(|kept| kept.what), Some(1));
        assert!(codes.take("a").is_none());
    }

    #[test]
    fn what_has_expired_is_known_as_such() {
        let mut codes = Codes::new(Duration::from_mins(1));
        codes.keep("a", 1, NOW);
        let (before, after) = (Duration::from_secs(59), Duration::from_mins(1));
        assert!(!codes.find("a").unwrap().has_expired(NOW.after(before)));
        assert_eq!(codes.holding(NOW.after(before)).count(), 1);
        assert!(codes.find("a").unwrap().has_expired(NOW.after(after)));
        assert_eq!(codes.holding(NOW.after(after)).count(), 0);
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let mut codes = Codes::new(Duration::from_mins(1));
        for code in 0..=MOST {
            codes.keep(&code.to_string(), code, NOW);
        }
        assert_eq!(codes.kept.len(), MOST);
        assert!(codes.find("0").is_none());
        assert!(codes.find("1").is_some());
    }
}
