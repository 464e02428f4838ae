//! A copy of the sources in which every fence can be switched off, one at a time, when it runs.
//!
//! All are in one build, so that taking out the next costs none. What is built for use has no such
//! switch.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fences::{Edit, FENCES, Fence};

/// Names the fence that is off.
const OFF: &str = "MUSTER_FENCE_OFF";
/// What the copy of `muster_domain` has more.
const SWITCH: &str = r#"
/// Whether a fence is off.
pub mod fence {
    use std::sync::OnceLock;

    /// Whether the fence of this name is the one that is off.
    pub fn is_off(name: &str) -> bool {
        static OFF: OnceLock<Option<String>> = OnceLock::new();
        OFF.get_or_init(|| std::env::var("MUSTER_FENCE_OFF").ok()).as_deref() == Some(name)
    }
}
"#;
/// What is built of the copy, and under which name and version, so that nothing of it takes the place of
/// this, while what both depend on is built once.
const OTHERWISE: [(&str, &str, &str); 2] = [
    ("Cargo.toml", "version = \"0.1.0\"\nedition", "version = \"0.1.0+fenceless\"\nedition"),
    ("sim/Cargo.toml", "name = \"muster-sim\"\npath", "name = \"muster-sim-fenceless\"\npath"),
];

/// The simulator over a store whose fences can be switched off.
pub(crate) struct Fenceless(PathBuf);

impl Fenceless {
    /// Copies the sources and builds them.
    pub(crate) fn build() -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => PathBuf::from(target),
            None => root.join("target"),
        };
        let copy = target.join("fenceless");
        let mut edited = edited(&root)?;
        mirror(&root, &copy, &mut edited)?;
        if let Some(file) = edited.keys().next() {
            return Err(format!("{} was not copied", file.display()).into());
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // Not locked: the versions of the copies are others.
        build.args(["build", "--profile", "quick", "--offline", "--package", "muster-sim"]);
        build.arg("--manifest-path").arg(copy.join("Cargo.toml"));
        build.arg("--target-dir").arg(&target);
        if !build.status()?.success() {
            return Err("the copy without fences can't be built".into());
        }
        Ok(Self(target.join("quick/muster-sim-fenceless")))
    }

    /// What runs with this fence off.
    pub(crate) fn without(&self, fence: &Fence) -> Command {
        let mut command = Command::new(&self.0);
        command.env(OFF, fence.name);
        command
    }
}

/// The files that differ in the copy.
fn edited(root: &Path) -> Result<BTreeMap<PathBuf, String>, Box<dyn Error>> {
    let mut by_file: BTreeMap<&str, Vec<(&Edit, String)>> = BTreeMap::new();
    for fence in FENCES {
        for edit in fence.edits {
            let of = match edit.file.split('/').next() {
                Some("domain") => "crate",
                Some("shared") => "crate::domain",
                _ => "muster_shared::domain",
            };
            let off = format!("{of}::fence::is_off({:?})", fence.name);
            by_file.entry(edit.file).or_default().push((edit, edit.instead.replace("OFF", &off)));
        }
    }
    let mut edited = BTreeMap::new();
    for (file, edits) in by_file {
        let text = fs::read_to_string(root.join(file))?;
        edited.insert(root.join(file), apply(file, &text, edits)?);
    }
    let text = |file: &str| fs::read_to_string(root.join(file)).map(|text| (root.join(file), text));
    let (library, text_of_library) = text("domain/src/lib.rs")?;
    edited.insert(library, text_of_library + SWITCH);
    for (file, name, other) in OTHERWISE {
        let (manifest, text) = text(file)?;
        if !text.contains(name) {
            return Err(format!("{file} does not have this:\n{name}").into());
        }
        edited.insert(manifest, text.replace(name, other));
    }
    Ok(edited)
}

/// A file with its edits, each of which must have its place, once.
fn apply(file: &str, text: &str, edits: Vec<(&Edit, String)>) -> Result<String, String> {
    let mut places = Vec::new();
    for (edit, instead) in edits {
        let mut found = text.match_indices(edit.find);
        let (Some((at, _)), None) = (found.next(), found.next()) else {
            return Err(format!("{file} does not have this exactly once:\n{}", edit.find));
        };
        places.push((at, at + edit.find.len(), instead));
    }
    places.sort_unstable_by_key(|(from, ..)| *from);
    let (mut whole, mut at) = (String::new(), 0);
    for (from, to, instead) in places {
        let before = text.get(at..from).ok_or_else(|| format!("{file} has edits that overlap"))?;
        whole.push_str(before);
        whole.push_str(&instead);
        at = to;
    }
    whole.push_str(text.get(at..).unwrap_or_default());
    Ok(whole)
}

/// Makes `to` what `from` is, but for the files that are edited, which it takes. What is there as it
/// should be is left alone, so that it is not built again.
fn mirror(from: &Path, to: &Path, edited: &mut BTreeMap<PathBuf, String>) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let mut wanted = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_hidden || name == "target" || name == "node_modules" {
            continue;
        }
        let copy = to.join(&name);
        wanted.insert(name);
        if path.is_dir() {
            mirror(&path, &copy, edited)?;
        } else {
            let text = edited.remove(&path).map(String::into_bytes);
            let text = text.map_or_else(|| fs::read(&path), Ok)?;
            write_if_different(&copy, &text)?;
        }
    }
    for entry in fs::read_dir(to)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if !wanted.contains(&name) {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    Ok(())
}

fn write_if_different(file: &Path, text: &[u8]) -> std::io::Result<()> {
    if fs::read(file).is_ok_and(|there| there == text) { Ok(()) } else { fs::write(file, text) }
}
