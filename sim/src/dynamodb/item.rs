//! Items as they stand in DynamoDB's JSON.

use std::fmt;

use serde_json::{Map, Value};

/// The attributes of an item, in DynamoDB's JSON.
pub type Item = Map<String, Value>;

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    /// The key among the attributes of an item or a key.
    pub fn of(attributes: &Item) -> Option<Self> {
        let text = |name| Some(attributes.get(name)?.get("S")?.as_str()?.to_owned());
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

/// A value in an item, by `.`-separated names of attributes, without its type.
pub fn at<'a>(item: &'a Item, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let mut value = item.get(names.next()?)?;
    for name in names {
        value = value.get("M")?.get(name)?;
    }
    value.as_object()?.values().next()
}

/// A text in an item.
pub fn text<'a>(item: &'a Item, path: &str) -> Option<&'a str> {
    at(item, path)?.as_str()
}

/// A number in an item.
pub fn number(item: &Item, path: &str) -> Option<u64> {
    text(item, path)?.parse().ok()
}

/// The bytes of an item as DynamoDB counts them, but for its rounding of numbers: names and values
/// in UTF-8, 1 byte more for each member of a list or map, 3 for the list or map itself.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + bytes(value)).sum()
}

fn bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), value) {
        ("M", Value::Object(members)) => {
            3 + members.iter().map(|(name, value)| 1 + name.len() + bytes(value)).sum::<usize>()
        }
        ("L", Value::Array(members)) => {
            3 + members.iter().map(|value| 1 + bytes(value)).sum::<usize>()
        }
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => text.len() * 3 / 4,
        (_, Value::String(text)) => text.len(),
        (_, Value::Array(members)) => {
            members.iter().map(|member| member.as_str().map_or(1, str::len)).sum()
        }
        _ => 1,
    }
}
