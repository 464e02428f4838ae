//! What the embedded engine never does: conflicts, throttling, server errors, lost requests and
//! answers, batches left unfinished. From a seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::wire::Sent;

/// What happens to one call.
#[derive(Debug)]
pub enum Fault {
    /// It is not applied and answered with an error.
    Answer(u16, Value),
    /// It is not applied and not answered.
    RequestLost,
    /// It is applied and not answered.
    AnswerLost,
    /// Some keys of a batch are not got to.
    Unprocessed,
}

/// A seeded source of faults.
#[derive(Debug)]
pub struct Faults {
    random: StdRng,
    /// In how many of a hundred calls something happens.
    percent: u32,
}

impl Faults {
    /// Faults in `percent` of a hundred calls.
    pub fn new(seed: u64, percent: u32) -> Self {
        Self { random: StdRng::seed_from_u64(seed), percent }
    }

    pub(crate) fn draw(&mut self, sent: &Sent) -> Option<Fault> {
        if self.random.random_range(0..100) >= self.percent {
            return None;
        }
        let error = |status, code: &str| {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            Fault::Answer(status, json!({ "__type": kind, "message": "injected" }))
        };
        Some(match self.random.random_range(0..6) {
            0 => Fault::RequestLost,
            1 => Fault::AnswerLost,
            2 => error(500, "InternalServerError"),
            3 => error(400, "ProvisionedThroughputExceededException"),
            4 => error(400, "ThrottlingException"),
            _ if sent.operation == "BatchGetItem" => Fault::Unprocessed,
            _ if sent.operation == "TransactWriteItems" => self.conflict(sent),
            _ if sent.writes() => error(400, "TransactionConflictException"),
            _ => Fault::RequestLost,
        })
    }

    /// A transaction cancelled because another one has one of its items.
    fn conflict(&mut self, sent: &Sent) -> Fault {
        let actions = sent.body["TransactItems"].as_array().map_or(1, Vec::len);
        let at = self.random.random_range(0..actions);
        let reason = |position| if position == at { "TransactionConflict" } else { "None" };
        let codes: Vec<_> = (0..actions).map(reason).collect();
        Fault::Answer(400, cancellation(&codes))
    }
}

/// The answer to a transaction that was cancelled, with a code for each of its actions.
pub(crate) fn cancellation(codes: &[&str]) -> Value {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({ "Code": code })).collect();
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "injected",
        "CancellationReasons": reasons,
    })
}
