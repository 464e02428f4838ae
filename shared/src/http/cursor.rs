//! Where a list goes on: opaque to callers, checked when it comes back.

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::hostname::Hostname;
use crate::domain::id::TeamId;
use crate::domain::principal::Principal;
use crate::domain::text::Group;
use crate::domain::{Invalid, listing, removal};

use super::fields::Wrong;

const LONGEST: usize = 2048;
const NOT_OURS: Invalid =
    Invalid("must be the next_cursor of the same list; leave it out to begin anew");

/// A place in a list.
pub trait Place: Serialize + DeserializeOwned {
    /// The list, which a cursor names: a team's id would pass for a hostname.
    const LIST: &'static str;
}

impl Place for TeamId {
    const LIST: &'static str = "teams";
}

impl Place for Principal {
    const LIST: &'static str = "members";
}

impl Place for removal::Place {
    const LIST: &'static str = "removals";
}

impl Place for listing::Place {
    const LIST: &'static str = "tokens";
}

impl Place for Group {
    const LIST: &'static str = "groups";
}

impl Place for Hostname {
    const LIST: &'static str = "nodes";
}

/// A place in a list as text.
pub fn encode<T: Place>(place: &T) -> String {
    BASE64URL_NOPAD.encode(&serde_json::to_vec(&(T::LIST, place)).unwrap_or_default())
}

/// The place that a text names.
pub fn decode<T: Place>(text: &str) -> Result<T, Invalid> {
    if text.len() > LONGEST {
        return Err(NOT_OURS);
    }
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NOT_OURS)?;
    let (list, place): (String, T) = serde_json::from_slice(&bytes).map_err(|_| NOT_OURS)?;
    if list == T::LIST { Ok(place) } else { Err(NOT_OURS) }
}

/// A cursor as a query parameter.
pub fn parameter<T: Place>(value: Value) -> Result<T, Wrong> {
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
pub fn page<T, P: Place>(
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
    use proptest::prelude::*;

    fn host(text: &str) -> Hostname {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_given(text in "[a-z0-9]{1,63}") {
            let host = host(&text);
            prop_assert_eq!(decode::<Hostname>(&encode(&host)).unwrap(), host);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = decode::<Hostname>(&text);
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let team = TeamId::from_bytes([1; 8]);
        assert!(team.to_string().parse::<Hostname>().is_ok(), "it would pass for a hostname");
        assert!(decode::<Hostname>(&encode(&team)).is_err());
        assert!(decode::<TeamId>(&encode(&team)).is_ok());
    }

    #[test]
    fn a_cursor_of_something_else_is_refused() {
        for text in ["7", "[]", r#""web-1""#, r#"["nodes"]"#, r#"["nodes", "not a host"]"#] {
            let text = BASE64URL_NOPAD.encode(text.as_bytes());
            assert!(decode::<Hostname>(&text).is_err(), "{text}");
        }
        let long = BASE64URL_NOPAD.encode(&[b' '; LONGEST]);
        assert!(decode::<Hostname>(&format!("{long}{}", encode(&host("web-1")))).is_err());
    }

    #[test]
    fn a_page_names_a_next_one_only_where_there_is_more() {
        let limit: Limit = "2".parse().unwrap();
        let (a, b, c) = (host("a"), host("b"), host("c"));
        let cut = |read: &[&Hostname]| {
            page(read.iter().copied().cloned().collect(), limit, Hostname::clone)
        };
        assert_eq!(cut(&[&a, &b]), (vec![a.clone(), b.clone()], None));
        assert_eq!(cut(&[&a, &b, &c]), (vec![a, b.clone()], Some(encode(&b))));
    }
}
