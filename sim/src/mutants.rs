//! Whether the search would find what it looks for: takes things out and searches.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::process::Stdio;

use clap::Args;
use muster_sim::mutation::Mutation;
use muster_sim::world::Options;
use muster_tests::page::{PROMISES, in_repository, write_part};

use crate::fenceless::Fenceless;
use crate::fences::FENCES;
use crate::search::each;
use crate::terminal::say;

/// The worlds that showed it, which every search runs first.
const KEPT: &str = "sim/kept-seeds.txt";
const HEAD: &str = "| taken out | first seed | broken |\n| --- | --- | --- |\n";

/// How to look for a world that shows that something is missing.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Look {
    /// Worlds to look through for each.
    #[arg(long, default_value_t = 2000)]
    pub(crate) worlds: u64,
    /// Worlds at a time; as many as there are processors if left out.
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
}

/// Takes out one thing at a time: each part of a condition, and each fence. Tells whether every one
/// was found, and writes down what was and by which worlds, unless `only` some are looked at.
pub(crate) fn mutants(look: Look, only: &str) -> Result<bool, Box<dyn Error>> {
    let is_wanted = |name: &str| name.starts_with(only);
    let (mut table, mut all_found) = (HEAD.to_owned(), true);
    let mut kept: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut note = |row: &str, found| {
        say!("{row}");
        table.push_str(row);
        table.push('\n');
        all_found &= found;
    };
    for (name, mutation) in Mutation::all().into_iter().filter(|(name, _)| is_wanted(name)) {
        let options = Options { mutation: Some(mutation), traced: false };
        let (row, found) = row(&format!("`{name}`"), &options, look)?;
        note(&row, found);
        // Those of a build with switches are other worlds.
        if let Some(Ok(seed)) = row.split('|').nth(2).map(|seed| seed.trim().parse()) {
            kept.entry(seed).or_default().push(name);
        }
    }
    let fences: Vec<_> = FENCES.iter().filter(|fence| is_wanted(fence.name)).collect();
    if !fences.is_empty() {
        let fenceless = Fenceless::build()?;
        for fence in fences {
            let mut command = fenceless.without(fence);
            command.args(["row", fence.name, "--worlds", &look.worlds.to_string()]);
            if let Some(jobs) = look.jobs {
                command.args(["--jobs", &jobs.to_string()]);
            }
            let output = command.stderr(Stdio::inherit()).output()?;
            note(str::from_utf8(&output.stdout)?.trim_end(), output.status.success());
        }
    }
    if only.is_empty() {
        write_part(PROMISES, "make sim-mutants", &table)?;
        std::fs::write(in_repository(KEPT), kept_seeds(&kept))?;
    }
    Ok(all_found)
}

/// The seeds, each with what it shows when that is taken out.
fn kept_seeds(kept: &BTreeMap<u64, Vec<String>>) -> String {
    let head =
        "# Written by `make sim-mutants`: worlds that show what is missing when something is.\n";
    kept.iter().fold(head.to_owned(), |mut text, (seed, names)| {
        let _ = writeln!(text, "{seed} # {}", names.join("; "));
        text
    })
}

/// The row of the table for what is missing already: the first world that shows it, and how. Tells
/// whether there is one.
pub(crate) fn row(
    name: &str,
    options: &Options,
    look: Look,
) -> Result<(String, bool), Box<dyn Error>> {
    let found = each(1..=look.worlds, options, look.jobs, |found| found.broken.is_empty())?;
    let Some((seed, violations)) = found.broken.first_key_value() else {
        return Ok((format!("| {name} | none of {} | **nothing** |", found.worlds), false));
    };
    let mut kinds: Vec<_> = violations.iter().filter_map(|v| v.split(':').next()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    Ok((format!("| {name} | {seed} | {} |", kinds.join(", ")), true))
}
