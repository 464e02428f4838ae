//! `muster team`: one's teams.

use clap::Subcommand;
use serde_json::json;

use crate::failure::Failure;
use crate::home::Home;
use crate::output::{Column, Format, text};
use crate::person::Person;

const COLUMNS: [Column; 3] = [
    ("name", |team| text(team, "/name")),
    ("role", |team| text(team, "/role")),
    ("id", |team| text(team, "/id")),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the teams that you are in.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Makes a team, whose owner you are.
    Create {
        /// What it is called: 1 to 100 characters.
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

pub(crate) fn team(home: &Home, command: Command) -> Result<(), Failure> {
    let person = Person::signed_in(home)?;
    match command {
        Command::List { format } => format.list(person.all("", "teams", &[])?, &COLUMNS),
        Command::Create { name, format } => {
            format.one(&person.make("", json!({ "name": name }))?, &COLUMNS);
        }
    }
    Ok(())
}
