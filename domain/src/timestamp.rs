//! Points in time, to the second.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Invalid;

/// Seconds since 1970-01-01T00:00:00Z. A number in the table, RFC 3339 in UTC as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `seconds` after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// The point `time` later.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        let seconds = time.as_secs();
        Self(self.0.saturating_add_unsigned(seconds))
    }

    /// The point `time` earlier.
    #[must_use]
    pub const fn before(self, time: Duration) -> Self {
        let seconds = time.as_secs();
        Self(self.0.saturating_sub_unsigned(seconds))
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; outside the years 0 to 9999, which it can't express, the bare seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rfc_3339(self.0) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    /// Reads RFC 3339 with any offset; a fraction of a second is dropped.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) else {
            return Err(Invalid("must be a time in RFC 3339, such as 2030-01-31T12:00:00Z"));
        };
        match time.unix_timestamp() {
            seconds if rfc_3339(seconds).is_some() => Ok(Self(seconds)),
            _ => Err(Invalid("must be in the years 0 to 9999 in UTC")),
        }
    }
}

fn rfc_3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_is_read_and_utc_is_printed() {
        let at: Timestamp = "2030-01-31T14:00:00.75+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2030-01-31T12:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2030-01-31",
            "2030-02-30T00:00:00Z",
            "1900000000",
            "0",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00+23:59",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
