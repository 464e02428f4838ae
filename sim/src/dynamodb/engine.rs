//! The embedded engine, called in process. It evaluates the expressions of all writes and holds every
//! item; what it does not have (transactions in steps, contention, limits) is around it.

use dynoxide::{Database, DynoxideError};
use muster_local::engine::{EngineError, TABLE, definition};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::Refused;

/// The engine, with Muster's table.
pub(super) struct Engine(Database);

impl Engine {
    pub(super) fn new() -> Result<Self, EngineError> {
        let database = Database::memory()?;
        let mut table = definition(TABLE)?;
        // The world keeps the changes itself, and nothing in a history is as old as a day.
        for name in ["StreamSpecification", "TimeToLiveSpecification"] {
            table.remove(name);
        }
        database.create_table(serde_json::from_value(table.into())?)?;
        Ok(Self(database))
    }

    /// Does one operation, at once and as a whole.
    pub(super) fn call(&self, operation: &str, request: Value) -> Result<Value, Refused> {
        let db = &self.0;
        match operation {
            "GetItem" => run(request, |request| db.get_item(request)),
            "PutItem" => run(request, |request| db.put_item(request)),
            "UpdateItem" => run(request, |request| db.update_item(request)),
            "DeleteItem" => run(request, |request| db.delete_item(request)),
            "TransactWriteItems" => run(request, |request| db.transact_write_items(request)),
            _ => Err(Refused::new(400, "UnknownOperationException", operation)),
        }
    }

    /// Whether a condition holds for an item as it is. `check` is a `ConditionCheck`; what comes
    /// back if it does not hold is the reason for a cancellation.
    pub(super) fn check(&self, check: &Value) -> Result<(), Value> {
        let request = json!({ "TransactItems": [{ "ConditionCheck": check }] });
        match self.call("TransactWriteItems", request) {
            Ok(_) => Ok(()),
            Err(refused) => Err(match refused.body.pointer("/CancellationReasons/0") {
                Some(reason) => reason.clone(),
                None => json!({ "Code": "ValidationError", "Message": refused.body }),
            }),
        }
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    request: Value,
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Value, Refused> {
    let invalid =
        |error: serde_json::Error| Refused::new(400, "SerializationException", &error.to_string());
    let request = serde_json::from_value(request).map_err(invalid)?;
    match operation(request) {
        Ok(answer) => serde_json::to_value(answer).map_err(invalid),
        Err(error) => Err(Refused {
            status: error.status_code(),
            body: serde_json::from_str(&error.to_json()).map_err(invalid)?,
        }),
    }
}
