//! How far the stream has been handled, kept where a restart finds it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data_dir;

/// Where a position is kept.
#[derive(Debug)]
pub(crate) enum Place {
    /// Nowhere: the stream goes when the process does.
    Nowhere,
    /// In a file.
    File(PathBuf),
}

/// A position in a stream.
#[derive(Debug)]
pub(super) struct Position {
    place: Place,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    stream: String,
    sequence_number: Option<String>,
}

impl Position {
    /// The position in `stream` that is kept at `place`. What is not there, not legible or of
    /// another stream is the beginning: to handle a record again does no harm.
    pub(super) fn read(place: Place, stream: &str) -> Self {
        let text = match &place {
            Place::Nowhere => None,
            Place::File(path) => std::fs::read(path).ok(),
        };
        let kept = text.and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let kept = kept.filter(|kept| kept.stream == stream);
        let beginning = || Kept { stream: stream.to_owned(), sequence_number: None };
        Self { place, kept: kept.unwrap_or_else(beginning) }
    }

    /// The last record that was handled.
    pub(super) fn last(&self) -> Option<&str> {
        self.kept.sequence_number.as_deref()
    }

    /// Notes that everything up to this record is handled.
    pub(super) fn advance(&mut self, sequence_number: &str) {
        self.kept.sequence_number = Some(sequence_number.to_owned());
        let Place::File(path) = &self.place else { return };
        let text = serde_json::to_vec(&self.kept).unwrap_or_default();
        if let Err(error) = data_dir::replace(path, &text) {
            tracing::error!(%error, "the position in the stream is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_legible_or_of_another_stream_is_the_beginning() {
        let path = std::env::temp_dir().join(format!("muster-position-{}", std::process::id()));
        let read = |stream| {
            let position = Position::read(Place::File(path.clone()), stream);
            position.last().map(str::to_owned)
        };
        assert_eq!(read("a"), None);
        Position::read(Place::File(path.clone()), "a").advance("7");
        assert_eq!(read("a"), Some("7".to_owned()));
        assert_eq!(read("b"), None);
        for damaged in ["", "{", "[]", "\u{0}", "{\"stream\":7}"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(read("a"), None);
        }
        std::fs::remove_file(path).unwrap();
    }
}
