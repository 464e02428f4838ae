//! Pages of the documentation that commands write parts of.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

/// What keeps each promise.
pub const PROMISES: &str = "docs/promises.md";

/// Puts `text` in place of the part of a page that `command` writes: what is between two comments.
///
/// # Errors
/// If the page can't be read or written, or has no such part.
pub fn write_part(page: &str, command: &str, text: &str) -> std::io::Result<()> {
    let page = in_repository(page);
    let (begin, end) = (format!("<!-- begin: written by `{command}` -->"), "<!-- end -->");
    let old = std::fs::read_to_string(&page)?;
    let missing = || {
        let what = format!("{}: has no part from {begin} to {end}", page.display());
        Error::new(ErrorKind::InvalidData, what)
    };
    let (before, rest) = old.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    std::fs::write(&page, format!("{before}{begin}\n{text}{end}{after}"))
}

/// A file of the repository.
pub fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
