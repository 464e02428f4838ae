//! Who takes note of what the network carries.

use serde_json::Value;

use crate::dynamodb::{Key, Origin, Refused};
use crate::history::History;

/// Takes note.
pub trait Scribe: Send + Sync {
    /// A call was sent.
    fn sent(&self, origin: Origin, operation: &str, request: &Value);
    /// A call was done, whether or not its answer arrives.
    fn done(&self, origin: Origin, operation: &str, done: &Result<Value, Refused>);
    /// A fault met a step.
    fn met(&self, fault: &'static str, step: &str);
}

impl<R: Send> Scribe for History<R> {
    fn sent(&self, origin: Origin, operation: &str, request: &Value) {
        self.say(|| format!("  {origin} -> {operation} {}", brief(request)));
    }

    fn done(&self, origin: Origin, operation: &str, done: &Result<Value, Refused>) {
        if let Ok(Some(Value::Object(item))) = done.as_ref().map(|answer| answer.get("Item"))
            && let Some(key) = Key::of(item).filter(|key| key.sk.starts_with("MEMBER#"))
        {
            self.read(origin, key, item.clone());
        }
        self.say(|| match done {
            Ok(_) => format!("  {origin} <- {operation}"),
            Err(refused) => {
                let reasons = refused.body.get("CancellationReasons").and_then(Value::as_array);
                let reasons = reasons.into_iter().flatten();
                let codes: Vec<_> = reasons.filter_map(|r| r.get("Code")?.as_str()).collect();
                format!("  {origin} <- {operation} {} {}", refused.code(), codes.join(" "))
            }
        });
    }

    fn met(&self, fault: &'static str, step: &str) {
        History::met(self, fault, step);
    }
}

/// The keys in a request, with what is done to them.
fn brief(request: &Value) -> String {
    let mut keys = Vec::new();
    collect(request, "", &mut keys);
    keys.join(", ")
}

fn collect(value: &Value, name: &str, keys: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let text = |name: &str| members.get(name)?.get("S")?.as_str();
            if let (Some(pk), Some(sk)) = (text("pk"), text("sk")) {
                keys.push(format!("{name} {pk} {sk}"));
            } else if let Some(pk) = text(":partition") {
                keys.push(format!("{pk} {}", text(":prefix").unwrap_or_default()));
            }
            for (inner, value) in members {
                let name = if matches!(inner.as_str(), "Key" | "Item") { name } else { inner };
                collect(value, name, keys);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| collect(member, name, keys)),
        _ => {}
    }
}
