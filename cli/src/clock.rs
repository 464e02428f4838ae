//! What time it is here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clocks of a proof may lie so far apart.
const APART: Duration = Duration::from_mins(4);

/// Now.
pub(crate) fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "a command on a machine has no other clock")]
    SystemTime::now()
}

/// Seconds since the epoch.
pub(crate) fn unix(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// How wrong this machine's clock is, in words, by the `Date` of an answer (RFC 9110, 6.6.1).
pub(crate) fn difference(date: &str, now: SystemTime) -> Option<String> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    let (by, where_to) = match now.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    (by > APART).then(|| format!("{} {where_to}", in_words(by)))
}

fn in_words(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_is_told_and_one_that_is_not_is_not() {
        let noon = "Tue, 01 Jan 2030 12:00:00 GMT";
        let theirs = httpdate::parse_http_date(noon).unwrap();
        let hour = Duration::from_hours(1);
        assert_eq!(difference(noon, theirs + hour).unwrap(), "60 minutes ahead of");
        assert_eq!(difference(noon, theirs - 49 * hour).unwrap(), "2 days behind");
        assert_eq!(difference(noon, theirs + Duration::from_secs(100)), None);
        assert_eq!(difference("yesterday", theirs), None);
    }
}
