//! Tables in `docs/promises.md` that a command writes.

use std::error::Error;
use std::path::Path;

/// Where they stand, from the root of the repository.
pub const DOCUMENT: &str = "docs/promises.md";
const END: &str = "<!-- end -->";

/// Puts a table in the place of the one that this command wrote before.
///
/// # Errors
/// If the document has no place for it.
pub fn write_table(command: &str, table: &str) -> Result<(), Box<dyn Error>> {
    let begin = format!("<!-- begin: written by `{command}` -->");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(DOCUMENT);
    let text = std::fs::read_to_string(&document)?;
    let (before, rest) =
        text.split_once(&begin).ok_or("the document has no place for the table")?;
    let (_, after) = rest.split_once(END).ok_or("the document's table has no end")?;
    std::fs::write(&document, format!("{before}{begin}\n{table}{END}{after}"))?;
    Ok(())
}
