//! The fields of a request, read one by one, so that every one that is wrong is named at once.
//!
//! What is said of a field never contains its value: a plaintext may stand anywhere by mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::domain::{Invalid, plaintext};

use super::problem::{FieldError, Place, Problem};

/// The one field that is there for a plaintext.
const TOKEN: &str = "token";

/// A value that an error keeps from existing; the error is in the [`Fields`].
pub struct Recorded;

impl From<Recorded> for Problem {
    fn from(Recorded: Recorded) -> Self {
        Self::InvalidRequest(Vec::new())
    }
}

/// Reads a value, or says what it must be.
pub type Parse<T> = fn(Value) -> Result<T, Wrong>;

/// What is wrong with a value, and where inside it.
pub struct Wrong {
    /// JSON pointer from the value on; empty for the value itself.
    inside: String,
    detail: &'static str,
}

impl From<Invalid> for Wrong {
    fn from(Invalid(detail): Invalid) -> Self {
        Self { inside: String::new(), detail }
    }
}

/// The fields of a body or a query string.
pub struct Fields {
    values: BTreeMap<String, Value>,
    place: fn(String) -> Place,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The fields of a JSON object; an empty body is an empty object.
    pub fn of_body(body: &[u8]) -> Result<Self, Problem> {
        let values = if body.iter().all(u8::is_ascii_whitespace) {
            BTreeMap::new()
        } else {
            serde_json::from_slice::<Object>(body)
                .map_err(|error| {
                    Problem::field(
                        "",
                        format!(
                            "must be a JSON object with each field once (see line {}, column {})",
                            error.line(),
                            error.column()
                        ),
                    )
                })?
                .0
        };
        Ok(Self {
            values,
            place: |name| {
                let whole = name.is_empty();
                Place::Pointer(if whole { name } else { format!("/{name}") })
            },
            known: Vec::new(),
            errors: Vec::new(),
        })
    }

    /// The parameters of a query string, each given once.
    pub fn of_query<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut fields = Self {
            values: BTreeMap::new(),
            place: Place::Parameter,
            known: Vec::new(),
            errors: Vec::new(),
        };
        let mut twice = false;
        for (name, value) in parameters {
            twice |=
                fields.values.insert(name.to_owned(), Value::String(value.to_owned())).is_some();
        }
        if twice {
            fields.record(String::new(), "must be given once each");
        }
        fields
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, name: &'static str, parse: Parse<T>) -> Result<T, Recorded> {
        match self.optional(name, parse) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.record(name.to_owned(), "is required")),
            Err(recorded) => Err(recorded),
        }
    }

    /// A field that may be left out, or `null`, which is the same.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: Parse<T>,
    ) -> Result<Option<T>, Recorded> {
        self.known.push(name);
        match self.values.remove(name) {
            None | Some(Value::Null) => Ok(None),
            // Put there by mistake, it would be kept and shown.
            Some(value) if name != TOKEN && holds_plaintext(&value) => Err(self.record(
                name.to_owned(),
                "holds an enrollment token, which belongs into token or Authorization alone",
            )),
            Some(value) => parse(value)
                .map(Some)
                .map_err(|wrong| self.record(format!("{name}{}", wrong.inside), wrong.detail)),
        }
    }

    /// Adds an error that no single value shows.
    pub fn wrong(&mut self, name: &'static str, detail: &'static str) {
        self.record(name.to_owned(), detail);
    }

    /// Ends the reading: every error so far, and fields that nobody asked for.
    pub fn finish(mut self) -> Result<(), Problem> {
        if !self.values.is_empty() {
            // Their names are not repeated: one may be a plaintext put in the wrong place.
            let known = self.known.join(", ");
            let detail = format!("has fields that are not known; known are: {known}");
            self.errors.push(FieldError { place: (self.place)(String::new()), detail });
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::InvalidRequest(self.errors)) }
    }

    fn record(&mut self, name: String, detail: &'static str) -> Recorded {
        self.errors.push(FieldError { place: (self.place)(name), detail: detail.to_owned() });
        Recorded
    }
}

fn holds_plaintext(value: &Value) -> bool {
    match value {
        Value::String(text) => plaintext::is_in(text),
        Value::Array(items) => items.iter().any(holds_plaintext),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| plaintext::is_in(name) || holds_plaintext(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A text.
pub fn text<T: FromStr<Err = Invalid>>(value: Value) -> Result<T, Wrong> {
    match value {
        Value::String(text) => Ok(text.parse()?),
        _ => Err(Invalid("must be a string").into()),
    }
}

/// A text that is searched for: 1 to 100 characters.
pub fn search(value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) if (1..=100).contains(&text.chars().count()) => Ok(text),
        _ => Err(Invalid("must be 1 to 100 characters").into()),
    }
}

/// A whole number, however it is spelled: JSON has one kind of number, and some writers say `50.0`.
#[expect(clippy::needless_pass_by_value, reason = "it has the shape of a Parse")]
pub fn whole<T: TryFrom<u64, Error = Invalid>>(value: Value) -> Result<T, Wrong> {
    // A float's text has no exponent, and a fraction only where there is one.
    let spelled_out = || value.as_f64()?.to_string().parse().ok();
    let number = value.as_u64().or_else(spelled_out);
    Ok(T::try_from(number.ok_or(Invalid("must be a whole number, 1 or more"))?)?)
}

/// A JSON value with a rule of its own.
pub fn json<T: TryFrom<Value, Error = Invalid>>(value: Value) -> Result<T, Wrong> {
    Ok(value.try_into()?)
}

/// An IP address.
#[expect(clippy::needless_pass_by_value, reason = "it has the shape of a Parse")]
pub fn ip_address(value: Value) -> Result<IpAddr, Wrong> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or(Invalid("must be an IPv4 or IPv6 address").into())
}

/// A list of texts.
pub fn texts<T, L>(value: Value) -> Result<L, Wrong>
where
    T: FromStr<Err = Invalid>,
    L: TryFrom<Vec<T>, Error = Invalid>,
{
    each(value, text)
}

/// A list of IP addresses.
pub fn ip_addresses<L: TryFrom<Vec<IpAddr>, Error = Invalid>>(value: Value) -> Result<L, Wrong> {
    each(value, ip_address)
}

/// Reads a list, one by one.
fn each<T, L>(value: Value, parse: Parse<T>) -> Result<L, Wrong>
where
    L: TryFrom<Vec<T>, Error = Invalid>,
{
    let Value::Array(values) = value else {
        return Err(Invalid("must be a list of strings").into());
    };
    let mut items = Vec::with_capacity(values.len());
    for (at, value) in values.into_iter().enumerate() {
        let item = parse(value)
            .map_err(|wrong| Wrong { inside: format!("/{at}"), detail: wrong.detail })?;
        items.push(item);
    }
    Ok(items.try_into()?)
}

/// A JSON object whose keys stand once each.
struct Object(BTreeMap<String, Value>);

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if values.insert(key, value).is_some() {
                        return Err(A::Error::custom("a field stands twice"));
                    }
                }
                Ok(Object(values))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::{Kind, Meta, Name, Tag, Tags};
    use crate::domain::token::MaxUses;

    fn errors(fields: Fields) -> Vec<(String, String)> {
        match fields.finish() {
            Err(Problem::InvalidRequest(errors)) => errors
                .into_iter()
                .map(|error| match error.place {
                    Place::Pointer(at) | Place::Parameter(at) => (at, error.detail),
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let body = br#"{"kind": "A B", "max_uses": 0, "tags": ["ok", 7]}"#;
        let mut fields = Fields::of_body(body).unwrap_or_else(|_| panic!("an object"));
        let _ = fields.required::<Name>("name", text);
        let _ = fields.optional::<Kind>("kind", text);
        let _ = fields.optional::<MaxUses>("max_uses", whole);
        let _ = fields.optional::<Tags>("tags", texts::<Tag, Tags>);
        let at: Vec<_> = errors(fields).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at, ["/name", "/kind", "/max_uses", "/tags/1"]);
    }

    #[test]
    fn null_is_the_same_as_left_out() {
        let mut fields =
            Fields::of_body(br#"{"name": null}"#).unwrap_or_else(|_| panic!("an object"));
        assert!(matches!(fields.optional::<Name>("name", text), Ok(None)));
        assert!(errors(fields).is_empty());
    }

    #[test]
    fn no_value_and_no_unknown_name_is_repeated() {
        let secret = "enrt_secretsecretsecret";
        let body = format!(r#"{{"{secret}": 1, "name": ["{secret}"], "kind": "{secret}"}}"#);
        let mut fields = Fields::of_body(body.as_bytes()).unwrap_or_else(|_| panic!("an object"));
        let _ = fields.required::<Name>("name", text);
        let _ = fields.optional::<MaxUses>("kind", whole);
        let said = format!("{:?}", errors(fields));
        assert!(!said.contains(secret), "{said}");
    }

    #[test]
    fn a_plaintext_is_taken_in_the_token_field_alone() {
        let secret = format!("enrt_{}", "a".repeat(64));
        let body = serde_json::json!({
            "token": secret, "name": secret, "kind": "server",
            "tags": ["ok", secret], "meta": {"env": [{secret.as_str(): 1}]},
        });
        let mut fields =
            Fields::of_body(body.to_string().as_bytes()).unwrap_or_else(|_| panic!("an object"));
        let token = fields.optional::<Value>("token", Ok);
        assert!(matches!(token, Ok(Some(Value::String(text))) if text == secret));
        let _ = fields.optional::<Name>("name", text);
        let _ = fields.optional::<Kind>("kind", text);
        let _ = fields.optional::<Tags>("tags", texts::<Tag, Tags>);
        let _ = fields.optional::<Meta>("meta", json);
        let errors = errors(fields);
        assert_eq!(
            errors.iter().map(|(at, _)| at).collect::<Vec<_>>(),
            ["/name", "/tags", "/meta"]
        );
        assert!(!format!("{errors:?}").contains(&secret));
    }

    #[test]
    fn what_is_no_object_with_each_field_once_is_refused() {
        for body in ["[]", "7", "{", "\"a\"", r#"{"a":1,"a":2}"#, "\u{0}", "{\"a\":1}x"] {
            assert!(Fields::of_body(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Fields::of_body(&[0xff, 0xfe]).is_err());
        assert!(Fields::of_body(b" ").is_ok());
    }
}
