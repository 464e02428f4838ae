//! What the template watches and draws is what the functions send.

use std::collections::BTreeSet;

use muster_shared::metrics::{CODE, Metric, NAMESPACE, STACK};
use serde_json::Value;

use super::template::resources;

/// One line of a widget: its namespace, the metric, and the names of its dimensions.
type Drawn = (String, String, Vec<String>);

/// The lines of a widget. `.` stands for what the line above has in its place, and `...` for all of
/// it.
fn drawn(lines: &[Value]) -> Vec<Drawn> {
    let mut above: Vec<String> = Vec::new();
    let mut drawn = Vec::new();
    for line in lines {
        let mut line: Vec<_> = line.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        if line.is_empty() {
            continue;
        }
        if line[0] == "..." {
            line.splice(..1, above.iter().map(|_| "."));
        }
        let whole = line.iter().enumerate().map(|(n, text)| match *text {
            "." => above[n].clone(),
            text => text.to_owned(),
        });
        above = whole.collect();
        let dimensions = above[2..].iter().step_by(2).cloned().collect();
        drawn.push((above[0].clone(), above[1].clone(), dimensions));
    }
    drawn
}

/// The dashboard with what it refers to left as it is.
fn dashboard() -> Value {
    let boards = resources("AWS::CloudWatch::Dashboard");
    assert_eq!(boards.len(), 1);
    serde_json::from_str(boards[0]["DashboardBody"].as_str().unwrap()).unwrap()
}

#[test]
fn every_metric_is_drawn_and_nothing_is_that_is_not_sent() {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().unwrap();
    let lines = |widget: &Value| drawn(widget["properties"]["metrics"].as_array().unwrap());
    let ours: BTreeSet<_> =
        widgets.iter().flat_map(lines).filter(|(namespace, ..)| namespace == NAMESPACE).collect();
    let sent = Metric::ALL
        .map(|metric| (NAMESPACE.to_owned(), metric.name().to_owned(), vec![STACK.to_owned()]));
    assert_eq!(ours, BTreeSet::from(sent));
    let name = Metric::Refusals.name();
    let search = format!("SEARCH('{{{NAMESPACE},{STACK},{CODE}}} MetricName=\\\"{name}\\\"");
    assert!(dashboard.to_string().contains(&search), "refusals are drawn by code");
}

#[test]
fn what_an_alarm_watches_is_sent_in_those_dimensions() {
    let mut watched = Vec::new();
    for alarm in resources("AWS::CloudWatch::Alarm") {
        if alarm["Namespace"] == NAMESPACE {
            let name = alarm["MetricName"].as_str().unwrap();
            let metric = Metric::named(name).unwrap_or_else(|| panic!("{name} is not sent"));
            let dimensions = alarm["Dimensions"].as_sequence().unwrap().iter();
            let dimensions: Vec<_> = dimensions.map(|one| one["Name"].as_str().unwrap()).collect();
            assert!(metric.dimensions().contains(&dimensions.as_slice()), "{name}: {dimensions:?}");
            assert!(alarm.get("Unit").is_none(), "{name}: an alarm without one is on any unit");
            // What is sent only while there is something to tell leaves gaps.
            assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
            watched.push(metric);
        }
    }
    assert_eq!(watched, [Metric::OldestUnfinishedRemoval]);
}
