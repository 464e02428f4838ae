//! Whether the search would find what it looks for: takes things out and searches.

use std::error::Error;

use muster_sim::mutation::Mutation;
use muster_sim::world::Options;

use crate::search::each;
use crate::terminal::say;

/// Takes out one thing at a time. Tells whether every one was found within `worlds`.
pub(crate) fn mutants(
    worlds: u64,
    only: &str,
    jobs: Option<usize>,
) -> Result<bool, Box<dyn Error>> {
    let mut all_found = true;
    say!("| taken out | worlds | seed | broken |");
    say!("| --- | --- | --- | --- |");
    for (name, mutation) in Mutation::all() {
        if !name.starts_with(only) {
            continue;
        }
        let options = Options { mutation: Some(mutation), traced: false };
        let found = each(1..=worlds, &options, jobs, |_| true)?;
        match found.broken.first_key_value() {
            Some((seed, violations)) => {
                let mut kinds: Vec<_> =
                    violations.iter().filter_map(|violation| violation.split(':').next()).collect();
                kinds.sort_unstable();
                kinds.dedup();
                say!("| `{name}` | {} | {seed} | {} |", found.worlds, kinds.join(", "));
            }
            None => {
                all_found = false;
                say!("| `{name}` | {} | none | **nothing** |", found.worlds);
            }
        }
    }
    Ok(all_found)
}
