//! Relieves writes of one condition on the wire, to see which test fails without it.
//!
//! `MUSTER_WITHOUT=<name>` takes the whole condition out, `<name>/<n>` its `n`-th part. The part is
//! replaced by one that always holds and still uses every value, so that the engine's own checks of
//! the request stay as they are.

use muster_shared::store::{CONDITIONS, Condition};
use serde_json::Value;

/// A condition, and which of its parts is taken out.
#[derive(Debug, Clone)]
pub struct Mutant {
    condition: Condition,
    part: Option<usize>,
}

impl Mutant {
    /// The mutant that the environment asks for.
    ///
    /// # Panics
    /// If it asks for a condition that there is not, lest a typo look like a surviving mutant.
    pub fn from_environment() -> Option<Self> {
        let wanted = std::env::var("MUSTER_WITHOUT").ok().filter(|wanted| !wanted.is_empty())?;
        Some(Self::named(&wanted))
    }

    /// The mutant of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn named(wanted: &str) -> Self {
        let (name, part) = match wanted.split_once('/') {
            Some((name, part)) => (name, Some(part.parse().expect("a part's number"))),
            None => (wanted, None),
        };
        let condition = CONDITIONS.iter().find(|condition| condition.name == name);
        Self { condition: *condition.expect("a condition's name"), part }
    }

    /// Every mutant there is, by the name that the environment takes.
    pub fn all() -> Vec<String> {
        let mut names = Vec::new();
        for condition in CONDITIONS {
            let parts = condition.expression.split(" AND ").count();
            if parts == 1 {
                names.push(condition.name.to_owned());
            } else {
                names.extend((0..parts).map(|part| format!("{}/{part}", condition.name)));
            }
        }
        names
    }

    /// Takes the condition out of a request.
    pub fn relieve(&self, body: &mut Value) {
        if let Some(actions) = body["TransactItems"].as_array_mut() {
            for action in actions {
                if let Some(action) = action.as_object_mut().and_then(|a| a.values_mut().next()) {
                    self.relieve_one(action);
                }
            }
        } else {
            self.relieve_one(body);
        }
    }

    fn relieve_one(&self, action: &mut Value) {
        let key = if action["Key"].is_object() { &action["Key"] } else { &action["Item"] };
        let on =
            key["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(self.condition.sort_prefix));
        if on && action["ConditionExpression"] == self.condition.expression {
            let parts = self.condition.expression.split(" AND ").enumerate().map(|(n, part)| {
                if self.part.is_none_or(|taken| taken == n) {
                    format!("({part} OR attribute_exists(pk) OR attribute_not_exists(pk))")
                } else {
                    part.to_owned()
                }
            });
            action["ConditionExpression"] = parts.collect::<Vec<_>>().join(" AND ").into();
        }
    }
}
