//! The counts that a change is held to.

use std::collections::BTreeMap;

use crate::Error;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json");
/// A count may differ by one in so many.
const TOLERANCE: u64 = 100;
/// And by so many instructions in any case: that much comes and goes with the seeds of hash maps, with
/// where memory lies and with the processor, and is more than a hundredth of a small part.
const NOISE: u64 = 1_000;

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
        if count.abs_diff(expected) <= NOISE.max(expected / TOLERANCE) {
            return Ok(());
        }
        let change = if count > expected { "more" } else { "fewer" };
        Err(Error::Off(format!(
            "{name} takes {count} instructions, by more than 1 % (and {NOISE}) {change} than the \
             {expected} in bench/warm/baseline.json"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(part: &str, count: u64) -> Baseline {
        let instructions = BTreeMap::from([(part.to_owned(), count)]);
        Baseline { built_by: String::new(), instructions }
    }

    #[test]
    fn a_count_may_differ_by_one_in_a_hundred() {
        let baseline = baseline("whole", 900_000);
        for good in [891_000, 900_000, 909_000] {
            assert!(baseline.hold("whole", good).is_ok(), "{good}");
        }
        for off in [0, 890_999, 909_001] {
            assert!(baseline.hold("whole", off).is_err(), "{off}");
        }
        assert!(baseline.hold("sdk", 900_000).is_err());
    }

    #[test]
    fn a_small_part_may_differ_by_what_is_noise() {
        let baseline = baseline("token", 7_000);
        assert!(baseline.hold("token", 8_000).is_ok() && baseline.hold("token", 6_000).is_ok());
        assert!(baseline.hold("token", 8_001).is_err() && baseline.hold("token", 5_999).is_err());
    }
}
