//! Entities out of items: serde reads the SDK's values as they are.
//!
//! `serde_dynamo` first copies an item, map by map, into values of its own; of thousands of items, that
//! is most of the work.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::table::{Fault, Item};

/// The entity in an item.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Fault> {
    T::deserialize(Value(AttributeValue::M(item)))
        .map_err(|error| Fault(format!("an item is not as it was written: {error}")))
}

/// Takes an attribute that lies beside the entity out of an item.
pub(super) fn take<T: DeserializeOwned>(item: &mut Item, name: &str) -> Result<T, Fault> {
    let value = item.remove(name).ok_or_else(|| Fault(format!("an item has no {name}")))?;
    T::deserialize(Value(value))
        .map_err(|error| Fault(format!("{name} is not as it was written: {error}")))
}

/// A value of an item, of one of the types that are written.
struct Value(AttributeValue);

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(text) => visitor.visit_string(text),
            AttributeValue::N(digits) => match (digits.parse(), digits.parse()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => Err(Error::custom("a number is not whole")),
            },
            AttributeValue::Bool(value) => visitor.visit_bool(value),
            AttributeValue::Null(_) => visitor.visit_unit(),
            AttributeValue::L(values) => {
                visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(Value)))
            }
            AttributeValue::M(map) => {
                let map = map.into_iter().map(|(name, value)| (name, Value(value)));
                visitor.visit_map(MapDeserializer::new(map))
            }
            _ => Err(Error::custom("a value is of a type that is never written")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(variant) => visitor.visit_enum(variant.into_deserializer()),
            _ => Err(Error::custom("a variant is not a text")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Colour {
        Green,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Map { inner: BTreeMap<String, u64> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Entity {
        text: String,
        number: u64,
        negative: i64,
        yes: bool,
        list: Vec<String>,
        there: Option<u64>,
        absent: Option<String>,
        colour: Colour,
        either: Vec<Either>,
    }

    #[test]
    fn an_entity_reads_back_as_it_was_written() {
        let entity = Entity {
            text: "ä".to_owned(),
            number: u64::MAX,
            negative: -1,
            yes: true,
            list: vec!["a".to_owned(), String::new()],
            there: Some(0),
            absent: None,
            colour: Colour::Green,
            either: vec![
                Either::Number(-7),
                Either::Map { inner: BTreeMap::from([("x".to_owned(), 1)]) },
            ],
        };
        let item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(&entity).unwrap();
        assert_eq!(from_item::<Entity>(item).unwrap(), entity);
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_a_fault() {
        for value in [
            AttributeValue::S("text".to_owned()),
            AttributeValue::N("1.5".to_owned()),
            AttributeValue::Ss(vec!["text".to_owned()]),
        ] {
            let item = Item::from([("number".to_owned(), value)]);
            assert!(from_item::<Entity>(item).is_err());
        }
    }
}
