//! `muster completions` and `muster man`: what a package brings along.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Arguments;
use crate::failure::Failure;
use crate::terminal::{hand_over, say};

/// Prints what has a shell complete this command.
pub(crate) fn completions(shell: Shell) {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "muster", &mut text);
    hand_over(&text);
}

/// Writes the manual's pages, one for each command.
pub(crate) fn man(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::state(directory, &error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), directory).map_err(failed)?;
    say!("{}", directory.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_contradicts_another() {
        Arguments::command().debug_assert();
    }
}
