//! The log of a function: one JSON object a line, with the metrics that are in it.
//!
//! Spans are left out, and so is what is less than INFO: the libraries' finer lines hold whole
//! requests.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::metrics::{self, Metric, STACK};

/// Writes lines.
pub struct Log<W> {
    /// Whose metrics they are. Without it there are none.
    stack: Option<String>,
    /// Tells the time since the epoch.
    clock: fn() -> Duration,
    out: Mutex<W>,
}

impl<W> fmt::Debug for Log<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({:?})", self.stack)
    }
}

impl<W: Write> Log<W> {
    /// A log to `out`, with metrics if they have a stack to belong to.
    pub fn new(out: W, stack: Option<String>, clock: fn() -> Duration) -> Self {
        Self { stack, clock, out: Mutex::new(out) }
    }

    fn line(&self, event: &Event<'_>) -> String {
        let now = (self.clock)();
        let mut line = Line::begin(now, *event.metadata().level());
        event.record(&mut line);
        line.end(now, self.stack.as_deref())
    }
}

impl<W: Write + Send + 'static> Subscriber for Log<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let line = self.line(event);
        if let Ok(mut out) = self.out.lock() {
            // In one piece. Where it fails there is nobody to tell.
            let _ = out.write_all(line.as_bytes());
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A line being put together.
struct Line {
    json: String,
    metrics: Vec<Metric>,
}

impl Line {
    fn begin(now: Duration, level: Level) -> Self {
        let mut line = Self { json: String::with_capacity(1024), metrics: Vec::new() };
        // What Lambda judges a line's level by. Without one it is INFO.
        line.member("timestamp", &rfc_3339(now));
        if level != Level::INFO {
            line.member("level", &level.as_str());
        }
        line
    }

    fn member(&mut self, name: &str, value: &impl Serialize) {
        let name = serde_json::to_string(name);
        let value = serde_json::to_string(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            self.json.push(if self.json.is_empty() { '{' } else { ',' });
            self.json.push_str(&name);
            self.json.push(':');
            self.json.push_str(&value);
        }
    }

    fn number(&mut self, field: &Field, value: &impl Serialize) {
        self.metrics.extend(Metric::named(field.name()));
        self.member(field.name(), value);
    }

    fn end(mut self, now: Duration, stack: Option<&str>) -> String {
        if let Some(stack) = stack.filter(|_| !self.metrics.is_empty()) {
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            let metadata = metrics::Metadata::of(&self.metrics, now);
            self.member(STACK, &stack);
            self.member("_aws", &metadata);
        }
        self.json.push_str("}\n");
        self.json
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // 3 rather than 3.0, and nothing of what is no number.
        if let Ok(number) = value.to_string().parse::<serde_json::Number>() {
            self.number(field, &number);
        }
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), &value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), &value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), &format!("{value:?}"));
    }
}

/// To the millisecond, in UTC.
fn rfc_3339(now: Duration) -> Option<String> {
    let nanos = i128::try_from(now.as_millis()).ok()?.checked_mul(1_000_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::{Value, json};

    use super::*;

    /// What is written of what `tell` tells.
    fn written(tell: impl FnOnce()) -> String {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let log = Log::new(writer, Some("muster".into()), || Duration::from_millis(1_500));
        tracing::subscriber::with_default(log, tell);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_no_number_is_left_out_and_is_no_metric() {
        for nothing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = written(|| {
                tracing::info!({ Metric::ReadUnits.name() } = nothing, half = 0.5, whole = 3.0);
            });
            assert_eq!(
                text,
                "{\"timestamp\":\"1970-01-01T00:00:01.5Z\",\"half\":0.5,\"whole\":3}\n"
            );
        }
    }

    #[test]
    fn a_line_is_one_line_of_json_whatever_is_in_it() {
        let odd = "\"quoted\" \\ {}\0\u{1}\u{1b}[31m\t\r\n\u{7f}\u{85}\u{2028}\u{2029}\u{1f600}";
        let text = written(|| tracing::warn!(text = odd, shown = %odd, "{odd}"));
        assert_eq!((text.matches('\n').count(), text.ends_with("}\n")), (1, true), "{text:?}");
        let line: Value = serde_json::from_str(&text).unwrap();
        let timestamp = "1970-01-01T00:00:01.5Z";
        let expected = json!({
            "timestamp": timestamp, "level": "WARN", "message": odd, "text": odd, "shown": odd
        });
        assert_eq!(line, expected);
    }
}
