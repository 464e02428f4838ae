//! The lines that are logged in a test, as a function writes them.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster_shared::log::Log;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use super::emf::{self, Datum};

/// The stack that the metrics belong to.
pub(super) const STACK: &str = "muster-test";

/// What is logged while it is there.
pub(super) struct Lines {
    written: Written,
    _here: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Listens to a function of the stack.
    pub(super) fn of_the_stack() -> Self {
        Self::listen(Some(STACK.to_owned()))
    }

    /// Listens to what belongs to no stack.
    pub(super) fn of_no_stack() -> Self {
        Self::listen(None)
    }

    fn listen(stack: Option<String>) -> Self {
        let written = Written::default();
        let log = Log::new(written.clone(), stack, || Duration::from_millis(1_900_000_000_123));
        Self { written, _here: tracing::subscriber::set_default(log) }
    }

    /// Everything that was written since the last time this was asked.
    pub(super) fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.written.0.lock().unwrap())).unwrap()
    }

    /// The lines at INFO, which says so by its absence; the embedded database has others.
    pub(super) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'));
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line.get("level").is_none()).collect()
    }

    /// The metrics in those lines.
    pub(super) fn data(&self) -> Vec<Datum> {
        self.lines().iter().flat_map(emf::data).collect()
    }

    /// The metrics of the stack as a whole, as `name value`.
    pub(super) fn told(&self) -> Vec<String> {
        let data = self.data().into_iter().filter(|datum| datum.dimensions.len() == 1);
        data.map(|datum| format!("{} {}", datum.metric.name(), datum.value)).collect()
    }
}
