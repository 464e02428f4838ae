//! The embedded metric format, as far as CloudWatch refuses what does not hold to it.

use std::collections::BTreeSet;

use muster_shared::metrics::{Metric, NAMESPACE};
use serde_json::{Map, Value, json};

/// A value of a metric, in one set of dimensions.
#[derive(Debug, Clone)]
pub(super) struct Datum {
    pub(super) metric: Metric,
    pub(super) value: f64,
    /// Name and value of each.
    pub(super) dimensions: Vec<(String, String)>,
}

fn members<'a>(value: &'a Value, required: &[&str]) -> &'a Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    let names: BTreeSet<_> = object.keys().map(String::as_str).collect();
    assert_eq!(names, required.iter().copied().collect(), "{value}");
    object
}

fn list(value: &Value, most: usize) -> &[Value] {
    let list = value.as_array().unwrap_or_else(|| panic!("{value} is no list"));
    assert!((1..=most).contains(&list.len()), "{value}");
    list
}

fn text(value: &Value, most: usize) -> &str {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    assert!((1..=most).contains(&text.chars().count()) && text.is_ascii(), "{value}");
    text
}

/// Every value that CloudWatch takes out of a line.
pub(super) fn data(line: &Value) -> Vec<Datum> {
    assert!(line.to_string().len() < 256 * 1024);
    let Some(metadata) = line.get("_aws") else { return Vec::new() };
    let metadata = members(metadata, &["Timestamp", "CloudWatchMetrics"]);
    assert_eq!(metadata["Timestamp"], json!(1_900_000_000_123_u64), "in milliseconds");
    let mut data = Vec::new();
    let mut told = BTreeSet::new();
    for directive in list(&metadata["CloudWatchMetrics"], 100) {
        let directive = members(directive, &["Namespace", "Dimensions", "Metrics"]);
        assert_eq!(text(&directive["Namespace"], 1024), NAMESPACE);
        for definition in list(&directive["Metrics"], 100) {
            let name = text(&definition["Name"], 1024);
            assert!(told.insert(name), "{name} is told twice: {line}");
            let metric = Metric::named(name).unwrap_or_else(|| panic!("{name} is no metric"));
            let expected = match metric.unit() {
                Some(unit) => json!({ "Name": name, "Unit": unit }),
                None => json!({ "Name": name }),
            };
            assert_eq!(*definition, expected);
            let value = line[name].as_f64().unwrap_or_else(|| panic!("{name}: {line}"));
            let sets = list(&directive["Dimensions"], 30);
            assert_eq!(json!(sets), json!(metric.dimensions()));
            for set in sets {
                let dimensions = list(set, 30).iter().map(|name| {
                    let name = text(name, 250);
                    (name.to_owned(), text(&line[name], 1024).to_owned())
                });
                data.push(Datum { metric, value, dimensions: dimensions.collect() });
            }
        }
    }
    data
}
