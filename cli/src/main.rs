//! The `muster` command: takes a machine into a team's network, and keeps it there.

mod callback;
mod clock;
mod commands;
mod control_plane;
mod device_key;
mod facts;
mod failure;
mod home;
mod http;
mod issuer;
mod node;
mod output;
mod patience;
mod person;
mod problem;
mod service;
mod session;
mod state;
mod terminal;
mod token;
mod typo;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use commands::{
    agent, leave, login, logout, manual, member, node as nodes, status, team, token as tokens, up,
};

use failure::Failure;
use home::Home;
use terminal::complain;

/// Takes this machine into a team's network and keeps it there; for admins, what is in that network.
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
    /// Ends the agent that `up --daemon` has started.
    Down(service::Place),
    /// Shows what is known of this machine.
    Status(status::Options),
    /// Sends heartbeats until this machine is removed.
    Agent(agent::Options),
    /// Has this machine removed from its team.
    Leave,
    /// Signs you in, in the browser, and has this machine join your team.
    Login(login::Options),
    /// Forgets who is signed in.
    Logout,
    /// Your teams.
    #[command(subcommand)]
    Team(team::Command),
    /// A team's enrollment tokens.
    #[command(subcommand)]
    Token(tokens::Command),
    /// A team's nodes.
    #[command(subcommand)]
    Node(nodes::Command),
    /// A team's members.
    #[command(subcommand)]
    Member(member::Command),
    /// Prints what has a shell complete this command.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the pages of the manual.
    Man {
        /// Where to.
        directory: PathBuf,
    },
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
    let home = || Home::find(place.state_dir);
    match command {
        Command::Up(options) => up::up(&home()?, &options),
        Command::Down(place) => commands::down::down(&place),
        Command::Status(options) => status::status(&home()?, &options),
        Command::Agent(options) => agent::agent(&home()?, &options),
        Command::Leave => leave::leave(&home()?),
        Command::Login(options) => login::login(&home()?, &options),
        Command::Logout => logout::logout(&home()?),
        Command::Team(command) => team::team(&home()?, command),
        Command::Token(command) => tokens::token(&home()?, command),
        Command::Node(command) => nodes::node(&home()?, command),
        Command::Member(command) => member::member(&home()?, command),
        Command::Completions { shell } => {
            manual::completions(shell);
            Ok(())
        }
        Command::Man { directory } => manual::man(&directory),
    }
}
