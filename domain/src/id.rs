//! Ids: eight random bytes, shown as a prefix and 13 base32 characters.

use std::fmt;
use std::str::FromStr;

use super::{BASE32, Invalid};

/// Bytes in an id.
pub const ID_BYTES: usize = 8;

fn parse(text: &str, prefix: &str) -> Option<[u8; ID_BYTES]> {
    let decoded = BASE32.decode(text.strip_prefix(prefix)?.as_bytes()).ok()?;
    decoded.try_into().ok()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; ID_BYTES]);

        impl $name {
            /// What it begins with as text.
            pub const PREFIX: &'static str = $prefix;

            /// An id of these bytes, which the caller draws at random.
            pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
                Self(bytes)
            }

            /// The bytes behind the text.
            pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", Self::PREFIX, BASE32.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                parse(text, Self::PREFIX).map(Self).ok_or(Invalid(concat!(
                    "must be ", $prefix, " and 13 characters of lower-case base32"
                )))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id!(
    /// A team.
    TeamId, "team_"
);
id!(
    /// An enrollment token; not secret.
    TokenId, "tok_"
);
id!(
    /// A node, new with every time a hostname is entered afresh.
    NodeId, "node_"
);
id!(
    /// One stay of a principal in a team.
    MembershipId, "mem_"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_printed(bytes: [u8; ID_BYTES]) {
            let id = TokenId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<TokenId>(), Ok(id));
            prop_assert_eq!(id.to_string().len(), "tok_".len() + 13);
        }

        #[test]
        fn no_text_panics_and_what_parses_prints_the_same(text in ".*") {
            if let Ok(id) = text.parse::<NodeId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn another_kinds_id_is_refused() {
        let team = TeamId::from_bytes([7; 8]).to_string();
        assert!(team.parse::<TokenId>().is_err());
    }

    #[test]
    fn spare_bits_in_the_last_character_are_refused() {
        assert!("tok_aaaaaaaaaaaaa".parse::<TokenId>().is_ok());
        assert!("tok_aaaaaaaaaaaab".parse::<TokenId>().is_err());
    }
}
