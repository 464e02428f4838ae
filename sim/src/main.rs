//! The simulator's command line: `make sim`, `make sim-mutants`, `make bench-fleet`,
//! `make bench-list`, `make bench-agents`.

mod beats;
mod fenceless;
mod fences;
mod fleets;
mod lists;
mod mutants;
mod plot;
mod search;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use muster_sim::mutation::Mutation;
use muster_sim::world::{Options, run};

use mutants::Look;
use terminal::{complain, say};

/// Runs the whole system in virtual time, world after world, and looks for broken promises.
#[derive(Parser)]
#[command(name = "muster-sim")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs worlds, first the kept ones and then new ones, until the time is up; fails if any breaks
    /// a promise.
    Search {
        /// Seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The first new seed; drawn if left out.
        #[arg(long)]
        from: Option<u64>,
        /// A file of seeds to run first, one a line; what follows a `#` is a comment.
        #[arg(long)]
        kept: Option<PathBuf>,
        /// Worlds at a time; as many as there are processors if left out.
        #[arg(long)]
        jobs: Option<usize>,
    },
    /// Runs one world and prints what happens in it.
    Replay {
        /// Its seed.
        seed: u64,
        /// What to take out of it, by the name that `mutants` prints.
        #[arg(long)]
        without: Option<String>,
    },
    /// Takes out every condition and every fence, one at a time, looks for a world that shows it, and
    /// writes what was found to `docs/promises.md`.
    Mutants {
        #[command(flatten)]
        look: Look,
        /// Only those whose names begin so; then nothing is written down.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Looks for the first world that shows what this build lacks.
    #[command(hide = true)]
    Row {
        /// What that is.
        name: String,
        #[command(flatten)]
        look: Look,
    },
    /// Boots fleets at once, and prints how long they take.
    Fleets {
        /// Machines, of fleets to compare.
        #[arg(long, value_delimiter = ',', default_values_t = [500, 1_000, 2_500, 5_000, 10_000])]
        machines: Vec<usize>,
        /// Write it all into docs/PERFORMANCE.md and docs/fleet.svg.
        #[arg(long)]
        write: bool,
    },
    /// Has agents send heartbeats for a while, and prints what that takes; fails if any is lost.
    Agents {
        /// Write it into docs/PERFORMANCE.md.
        #[arg(long)]
        write: bool,
    },
    /// Lists tokens and nodes of small and large teams; fails if a list takes more than it may.
    Lists,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Search { seconds, from, kept, jobs } => {
            search::search(Duration::from_secs(seconds), from, kept.as_deref(), jobs)
        }
        Command::Replay { seed, without } => replay(seed, without.as_deref()),
        Command::Agents { write } => beats::beats(write),
        Command::Lists => lists::lists(),
        Command::Mutants { look, only } => mutants::mutants(look, &only),
        Command::Row { name, look } => {
            mutants::row(&name, &Options::default(), look).map(|(row, found)| {
                say!("{row}");
                found
            })
        }
        Command::Fleets { machines, write } => fleets::fleets(&machines, write),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain!("sim: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells whether every promise was kept.
fn replay(seed: u64, without: Option<&str>) -> Result<bool, Box<dyn std::error::Error>> {
    let mutation = match without {
        None => None,
        Some(name) => match Mutation::named(name) {
            None => return Err(format!("there is no {name}; `mutants` prints the names").into()),
            some => some,
        },
    };
    let evidence = run(seed, &Options { mutation, traced: true })?;
    for line in &evidence.history.trace {
        say!("{line}");
    }
    say!();
    for broken in &evidence.violations {
        say!("{broken}");
    }
    if evidence.violations.is_empty() {
        say!("every promise was kept");
    }
    Ok(evidence.violations.is_empty())
}
