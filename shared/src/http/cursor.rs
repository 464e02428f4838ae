//! Where a list goes on: opaque to callers, checked when it comes back.

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::Invalid;

use super::fields::Wrong;

const LONGEST: usize = 2048;
const NOT_OURS: Invalid =
    Invalid("must be the next_cursor of the same list; leave it out to begin anew");

/// A place in a list as text.
pub fn encode<T: Serialize>(place: &T) -> String {
    BASE64URL_NOPAD.encode(&serde_json::to_vec(place).unwrap_or_default())
}

/// The place that a text names.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    if text.len() > LONGEST {
        return Err(NOT_OURS);
    }
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NOT_OURS)?;
    serde_json::from_slice(&bytes).map_err(|_| NOT_OURS)
}

/// A cursor as a query parameter.
pub fn parameter<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    match value {
        Value::String(text) => Ok(decode(&text)?),
        _ => Err(NOT_OURS.into()),
    }
}

/// How many entries a page has: 1 to 100.
#[derive(Debug, Clone, Copy)]
pub struct Limit(usize);

impl Limit {
    /// The number.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl std::str::FromStr for Limit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(Invalid("must be a whole number from 1 to 100")),
        }
    }
}

/// Cuts what was read, one more than `limit` where there is more, into a page and the place after
/// its last entry.
pub fn page<T, P: Serialize>(
    mut read: Vec<T>,
    limit: Limit,
    place: impl FnOnce(&T) -> P,
) -> (Vec<T>, Option<String>) {
    let more = read.len() > limit.get();
    read.truncate(limit.get());
    let next = if more { read.last().map(|last| encode(&place(last))) } else { None };
    (read, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hostname::Hostname;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_given(text in "[a-z0-9]{1,63}") {
            let host: Hostname = text.parse().unwrap();
            prop_assert_eq!(decode::<Hostname>(&encode(&host)).unwrap(), host);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = decode::<Hostname>(&text);
        }
    }

    #[test]
    fn a_cursor_of_something_else_is_refused() {
        assert!(decode::<Hostname>(&encode(&7)).is_err());
        assert!(decode::<Hostname>(&encode(&"not a host")).is_err());
        assert!(decode::<Hostname>(&encode(&"a".repeat(4000))).is_err());
    }

    #[test]
    fn a_page_names_a_next_one_only_where_there_is_more() {
        let limit: Limit = "2".parse().unwrap();
        assert_eq!(page(vec![1, 2], limit, |n| *n), (vec![1, 2], None));
        assert_eq!(page(vec![1, 2, 3], limit, |n| *n), (vec![1, 2], Some(encode(&2))));
    }
}
