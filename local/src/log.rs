//! The log: one JSON object a line on stderr, as the functions write it.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to write the log.
pub(crate) fn init() {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    // The embedded database warns of every condition that does not hold, which is how the store
    // learns most of what it knows.
    let wanted =
        Targets::new().with_default(LevelFilter::INFO).with_target("dynoxide", LevelFilter::OFF);
    let log = tracing_subscriber::registry().with(lines.with_filter(wanted));
    // Whoever has a log already keeps it.
    let _ = log.try_init();
}
