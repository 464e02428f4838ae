//! The `muster` command: takes a machine into a team's network, and keeps it there.

mod agent;
mod clock;
mod control_plane;
mod device_key;
mod facts;
mod failure;
mod leave;
mod node;
mod patience;
mod problem;
mod state;
mod status;
mod terminal;
mod token;
mod typo;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::Failure;
use state::Home;
use terminal::complain;

/// Takes this machine into a team's network with an enrollment token, and keeps it there.
#[derive(Parser)]
#[command(name = "muster", version)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Place {
    /// Where this machine's key and state are kept: /var/lib/muster for root, else the user's state
    /// directory. Also `MUSTER_STATE_DIR`.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    state_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Joins with an enrollment token; says so if this machine is in already.
    Up(up::Options),
    /// Shows what is known of this machine.
    Status(status::Options),
    /// Sends heartbeats until this machine is removed.
    Agent(agent::Options),
    /// Has this machine removed from its team.
    Leave,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain!("muster: {failure}");
            if let Some(advice) = failure.advice() {
                complain!("{advice}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(Arguments { place, command }: Arguments) -> Result<(), Failure> {
    let home = Home::find(place.state_dir)?;
    match command {
        Command::Up(options) => up::up(&home, &options),
        Command::Status(options) => status::status(&home, &options),
        Command::Agent(options) => agent::agent(&home, &options),
        Command::Leave => leave::leave(&home),
    }
}
