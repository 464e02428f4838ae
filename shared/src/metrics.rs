//! The metrics: their names, units and dimensions, and the embedded metric format that turns fields
//! of a log line into them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::Serialize;

/// The namespace in CloudWatch.
pub const NAMESPACE: &str = "Muster";
/// The dimension that each metric has: the stack.
pub const STACK: &str = "Stack";
/// The dimension that tells refusals apart: the problem's code.
pub const CODE: &str = "Code";

/// Something that is counted or measured. A field of a log line by this name is its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Uses that passed a gate.
    Enrollments,
    /// Requests that were refused.
    Refusals,
    /// Tries that another transaction on the same item has cost.
    ConflictRetries,
    /// Read capacity consumed.
    ReadUnits,
    /// Write capacity consumed.
    WriteUnits,
    /// From a member's removal to the end of the sweep that the stream began.
    CascadeLag,
    /// Removals that have not completed.
    UnfinishedRemovals,
    /// How long ago the oldest of them was requested.
    OldestUnfinishedRemoval,
}

impl Metric {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::Enrollments,
        Self::Refusals,
        Self::ConflictRetries,
        Self::ReadUnits,
        Self::WriteUnits,
        Self::CascadeLag,
        Self::UnfinishedRemovals,
        Self::OldestUnfinishedRemoval,
    ];

    /// Its name in CloudWatch and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enrollments => "Enrollments",
            Self::Refusals => "Refusals",
            Self::ConflictRetries => "ConflictRetries",
            Self::ReadUnits => "ReadUnits",
            Self::WriteUnits => "WriteUnits",
            Self::CascadeLag => "CascadeLag",
            Self::UnfinishedRemovals => "UnfinishedRemovals",
            Self::OldestUnfinishedRemoval => "OldestUnfinishedRemoval",
        }
    }

    /// Its unit, as CloudWatch spells it. A count has none: that is the default, and spares the bytes.
    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::CascadeLag | Self::OldestUnfinishedRemoval => Some("Seconds"),
            Self::Enrollments
            | Self::Refusals
            | Self::ConflictRetries
            | Self::ReadUnits
            | Self::WriteUnits
            | Self::UnfinishedRemovals => None,
        }
    }

    /// The sets of dimensions that it is kept by. Their values come from closed sets: each new one
    /// is another metric to pay for.
    pub const fn dimensions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Refusals => &[&[STACK], &[STACK, CODE]],
            Self::Enrollments
            | Self::ConflictRetries
            | Self::ReadUnits
            | Self::WriteUnits
            | Self::CascadeLag
            | Self::UnfinishedRemovals
            | Self::OldestUnfinishedRemoval => &[&[STACK]],
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

/// A count that is worth sending: one that is zero says nothing, and costs as much.
pub fn unless_zero<T: Default + PartialEq>(count: T) -> Option<T> {
    (count != T::default()).then_some(count)
}

/// The member `_aws` of a line: which of its other members are metrics.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metadata {
    /// Milliseconds since the epoch.
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: Vec<Definition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

impl Metadata {
    /// Declares the metrics of a line: a directive for those of the same dimensions.
    pub(crate) fn of(metrics: &[Metric], timestamp: u64) -> Self {
        let mut directives: Vec<Directive> = Vec::new();
        for metric in metrics {
            let definition = Definition { name: metric.name(), unit: metric.unit() };
            let dimensions = metric.dimensions();
            match directives.iter_mut().find(|directive| directive.dimensions == dimensions) {
                Some(directive) => directive.metrics.push(definition),
                None => directives.push(Directive {
                    namespace: NAMESPACE,
                    dimensions,
                    metrics: vec![definition],
                }),
            }
        }
        Self { timestamp, cloud_watch_metrics: directives }
    }
}
