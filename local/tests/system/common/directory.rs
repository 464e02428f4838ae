//! A directory of a test's own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that goes with the test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("local-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a system keeps its data in here.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Every file below, with what is in it. A running system puts new files in the place of old
    /// ones; where one goes between being listed and being read, all are looked at again.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        for _ in 0..100 {
            match read_all(&self.0) {
                Ok(found) => return found,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
            }
        }
        panic!("files come and go")
    }
}

fn read_all(top: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut left = vec![top.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                let content = std::fs::read(&path)?;
                found.push((path, content));
            }
        }
    }
    Ok(found)
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
