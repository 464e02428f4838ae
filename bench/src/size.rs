//! The size of a function's binary, and of the archive that is deployed.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::Error;

/// Bytes.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Of the binary.
    pub binary: u64,
    /// Of the archive with the binary as its `bootstrap`.
    pub zip: u64,
}

impl Size {
    /// The sizes of `binary`.
    pub fn of(binary: &Path) -> Result<Self, Error> {
        let bytes =
            std::fs::read(binary).map_err(|error| Error::NotStarted(binary.to_owned(), error))?;
        let failed = |error: std::io::Error| Error::System("the archive", error);
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        archive.start_file("bootstrap", options).map_err(|error| failed(error.into()))?;
        archive.write_all(&bytes).map_err(failed)?;
        let archive = archive.finish().map_err(|error| failed(error.into()))?;
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Self { binary: length(&bytes), zip: length(&archive.into_inner()) })
    }
}
