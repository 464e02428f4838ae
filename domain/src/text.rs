//! Short texts, each with its own rule.

use super::Invalid;

/// Bytes that a serialized `meta` may have.
pub const META_BYTES: usize = 16 * 1024;
/// Tags that a node may have.
pub const MAX_TAGS: usize = 50;

/// A newtype over `String` that only its rule can make: `FromStr`, `TryFrom<String>` and serde all
/// go through it.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $normalize:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $normalize(text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text;

text!(
    /// What people call a team, a token or a node: 1 to 100 characters, not all blank.
    Name, name
);
text!(
    /// A kind of node, such as `server` or `container`.
    Kind, label
);
text!(
    /// A group of nodes; it exists once a node names it.
    Group, label
);
text!(
    /// A tag of a node: 1 to 64 printable characters.
    Tag, tag
);
text!(
    /// An operating system as a machine names it: 1 to 100 printable characters.
    OperatingSystem, operating_system
);

text!(
    /// The version of a program as it says it itself: 1 to 64 printable characters.
    AgentVersion, tag
);

impl Default for Kind {
    fn default() -> Self {
        Self("server".to_owned())
    }
}

impl Default for Group {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

fn is_printable(text: &str, max_chars: usize) -> bool {
    (1..=max_chars).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !text.trim().is_empty()
}

fn name(text: String) -> Result<String, Invalid> {
    if is_printable(&text, 100) {
        Ok(text)
    } else {
        Err(Invalid("must be 1 to 100 characters, without control characters and not all blank"))
    }
}

fn tag(text: String) -> Result<String, Invalid> {
    if is_printable(&text, 64) {
        Ok(text)
    } else {
        Err(Invalid("must be 1 to 64 printable characters"))
    }
}

fn operating_system(text: String) -> Result<String, Invalid> {
    if is_printable(&text, 100) {
        Ok(text)
    } else {
        Err(Invalid("must be 1 to 100 printable characters"))
    }
}

fn label(text: String) -> Result<String, Invalid> {
    let first = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let rest = |c: u8| first(c) || matches!(c, b'.' | b'_' | b'-');
    match text.as_bytes() {
        [head, tail @ ..] if tail.len() < 64 && first(*head) && tail.iter().all(|c| rest(*c)) => {
            Ok(text)
        }
        _ => Err(Invalid(
            "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit",
        )),
    }
}

/// Free-form facts of a node: a JSON object of at most 16 KiB, kept as its canonical text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Meta(String);

impl Meta {
    /// The object.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl TryFrom<serde_json::Value> for Meta {
    type Error = Invalid;

    fn try_from(value: serde_json::Value) -> Result<Self, Invalid> {
        if !value.is_object() {
            return Err(Invalid("must be a JSON object"));
        }
        let text = value.to_string();
        if text.len() > META_BYTES {
            return Err(Invalid("must be at most 16 KiB of JSON"));
        }
        Ok(Self(text))
    }
}

/// The tags of a node: at most 50, each once, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<Tag>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// The tags in order.
    pub fn as_slice(&self) -> &[Tag] {
        &self.0
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = Invalid;

    fn try_from(given: Vec<Tag>) -> Result<Self, Invalid> {
        if given.len() > MAX_TAGS {
            return Err(Invalid("must be at most 50 tags"));
        }
        Ok(Self(crate::each_once(given)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_it_may_be() {
        for good in ["server", "k8s-pod", "a", "0.1_x", &"a".repeat(64)] {
            assert!(good.parse::<Kind>().is_ok(), "{good}");
        }
        for bad in ["", "Server", "-a", ".a", "_a", "a b", "ä", "a#b", &"a".repeat(65)] {
            assert!(bad.parse::<Kind>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_counts_characters_not_bytes() {
        assert!("ä".repeat(100).parse::<Name>().is_ok());
        assert!("ä".repeat(101).parse::<Name>().is_err());
        for bad in ["", "   ", "a\nb", "a\u{0}"] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tags_are_kept_once_each_in_order() {
        let tags: Vec<Tag> = ["b", "a", "b"].iter().map(|t| t.parse().unwrap()).collect();
        let tags = Tags::try_from(tags).unwrap();
        assert_eq!(tags.as_slice().iter().map(Tag::as_str).collect::<Vec<_>>(), ["b", "a"]);
        assert!(Tags::try_from(vec!["a".parse::<Tag>().unwrap(); 51]).is_err());
    }

    #[test]
    fn meta_is_an_object_within_its_limit() {
        assert!(Meta::try_from(serde_json::json!({"rack": {"row": 7}})).is_ok());
        assert!(Meta::try_from(serde_json::json!([1])).is_err());
        assert!(Meta::try_from(serde_json::json!({"a": "x".repeat(META_BYTES)})).is_err());
    }

    #[test]
    fn serde_goes_through_the_rule() {
        assert!(serde_json::from_str::<Kind>("\"Server\"").is_err());
    }
}
