//! How DynamoDB refuses.

use serde_json::{Value, json};

/// An answer that is an error.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Refused {
    /// A refusal with a code.
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
        Self { status, body: json!({ "__type": code, "message": message }) }
    }

    /// Something is wrong with DynamoDB.
    pub fn internal() -> Self {
        Self::new(500, "InternalServerError", "simulated")
    }

    /// The partition, or the table, has no capacity left.
    pub fn throttled() -> Self {
        Self::new(400, "ThrottlingException", "simulated")
    }

    /// A transaction has the item.
    pub fn conflict() -> Self {
        Self::new(400, "TransactionConflictException", "simulated")
    }

    /// A transaction is cancelled, for one reason an action.
    pub fn cancelled(reasons: Vec<Value>) -> Self {
        let mut refused = Self::new(400, "TransactionCanceledException", "simulated");
        refused.body["CancellationReasons"] = reasons.into();
        refused
    }

    /// The error code.
    pub fn code(&self) -> &str {
        let code = self.body.get("__type").and_then(Value::as_str).unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default()
    }
}
