//! The counts that a change is held to.

use std::collections::BTreeMap;

use crate::Error;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json");
/// What a count may differ by, in thousandths.
const TOLERANCE: u64 = 10;

/// Counts of parts.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Baseline {
    /// The compiler and the processor that they are of; others come to other counts.
    pub(crate) built_by: String,
    pub(crate) instructions: BTreeMap<String, u64>,
}

impl Baseline {
    pub(crate) fn read() -> Result<Self, Error> {
        let text = std::fs::read_to_string(PATH).map_err(|e| Error::Baseline(e.to_string()))?;
        serde_json::from_str(&text).map_err(|error| Error::Baseline(error.to_string()))
    }

    pub(crate) fn write(&self) -> Result<(), Error> {
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::Baseline(e.to_string()))?;
        std::fs::write(PATH, text + "\n").map_err(|error| Error::Baseline(error.to_string()))
    }

    /// Fails if a count lies further off than it may.
    pub(crate) fn hold(&self, name: &str, count: u64) -> Result<(), Error> {
        let Some(expected) = self.instructions.get(name).copied() else {
            return Err(Error::Baseline(format!("has no count of {name}")));
        };
        if count.abs_diff(expected) * 1000 <= expected * TOLERANCE {
            return Ok(());
        }
        let change = if count > expected { "more" } else { "fewer" };
        Err(Error::Off(format!(
            "{name} takes {count} instructions, over 1 % {change} than the {expected} in \
             bench/warm/baseline.json"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_may_differ_by_one_in_a_hundred() {
        let instructions = BTreeMap::from([("whole".to_owned(), 1_000)]);
        let baseline = Baseline { built_by: String::new(), instructions };
        for good in [990, 1_000, 1_010] {
            assert!(baseline.hold("whole", good).is_ok(), "{good}");
        }
        for off in [0, 989, 1_011] {
            assert!(baseline.hold("whole", off).is_err(), "{off}");
        }
        assert!(baseline.hold("sdk", 1_000).is_err());
    }
}
