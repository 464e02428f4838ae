//! The commands, one a file.

pub(crate) mod agent;
pub(crate) mod down;
pub(crate) mod leave;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod manual;
pub(crate) mod member;
pub(crate) mod node;
pub(crate) mod status;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod up;

use clap::Args;

/// Of which team.
#[derive(Debug, Clone, Args)]
pub(crate) struct OfTeam {
    /// The team, by its id or its name; may be left out by who is in one team alone.
    #[arg(long)]
    team: Option<String>,
}

/// Whether something that can't be undone is done without asking.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Unasked {
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// Something in a path, so that no character of it has a meaning there.
fn in_path(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
