//! What can be taken out of the system, to see that its absence is found.

use muster_tests::mutant::Mutant;
use serde_json::Value;

/// One thing that is taken out of every call on its way to DynamoDB.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// A part of a condition holds always.
    Condition(Mutant),
    /// Reads of an operation are not consistent.
    StaleReads(&'static str),
}

/// The operations that read.
const READS: [&str; 3] = ["GetItem", "BatchGetItem", "Query"];

impl Mutation {
    /// Every one, with its name.
    pub fn all() -> Vec<(String, Self)> {
        let conditions = Mutant::all().into_iter();
        let conditions =
            conditions.map(|name| (name.clone(), Self::Condition(Mutant::named(&name))));
        let reads =
            READS.into_iter().map(|read| (format!("{read}/consistent"), Self::StaleReads(read)));
        conditions.chain(reads).collect()
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|(known, _)| known == name).map(|(_, mutation)| mutation)
    }

    pub(crate) fn apply(&self, operation: &str, request: &mut Value) {
        match self {
            Self::Condition(mutant) => mutant.relieve(request),
            Self::StaleReads(read) if *read == operation => make_stale(request),
            Self::StaleReads(_) => {}
        }
    }
}

fn make_stale(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("ConsistentRead");
            members.values_mut().for_each(make_stale);
        }
        Value::Array(members) => members.iter_mut().for_each(make_stale),
        _ => {}
    }
}
