//! `muster node`: a team's nodes.

use clap::Subcommand;
use serde_json::Value;

use crate::failure::Failure;
use crate::home::Home;
use crate::output::{Column, Format, age, confirm, text};
use crate::person::Person;
use crate::terminal::say;

use super::{OfTeam, Unasked, in_path};

const COLUMNS: [Column; 7] = [
    ("hostname", |node| text(node, "/hostname")),
    ("status", |node| text(node, "/status")),
    ("kind", |node| text(node, "/kind")),
    ("group", |node| text(node, "/group")),
    ("ip", |node| text(node, "/private_ip")),
    ("os", |node| text(node, "/os")),
    ("last heard", |node| age(node, "/last_seen_at")),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the nodes.
    List {
        /// Those of a group.
        #[arg(long)]
        group: Option<String>,
        /// Those of a kind.
        #[arg(long)]
        kind: Option<String>,
        /// Those with a tag.
        #[arg(long)]
        tag: Option<String>,
        /// Those of a status: online, offline or unmonitored.
        #[arg(long)]
        status: Option<String>,
        /// Those that came through a token, by its id.
        #[arg(long, value_name = "ID")]
        token: Option<String>,
        /// Those whose name or hostname has this in it.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Removes one. Its address is free again, and it is told the next time that it is heard.
    Remove {
        /// Its hostname.
        hostname: String,
        #[command(flatten)]
        unasked: Unasked,
        #[command(flatten)]
        team: OfTeam,
    },
}

pub(crate) fn node(home: &Home, command: Command) -> Result<(), Failure> {
    let person = Person::signed_in(home)?;
    match command {
        Command::List { group, kind, tag, status, token, search, team, format } => {
            let team = person.team(team.team.as_deref())?;
            let given = [
                ("group", group),
                ("kind", kind),
                ("tag", tag),
                ("status", status),
                ("token_id", token),
                ("q", search),
            ];
            let query: Vec<_> =
                given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            format.list(person.all(&format!("/{}/nodes", team.id), "nodes", &query)?, &COLUMNS);
        }
        Command::Remove { hostname, unasked, team } => {
            let team = person.team(team.team.as_deref())?;
            let hostname = hostname.to_ascii_lowercase();
            let found =
                person.all(&format!("/{}/nodes", team.id), "nodes", &[("q", hostname.clone())])?;
            let found = found.iter().find(|node| text(node, "/hostname") == hostname);
            let found = found
                .ok_or_else(|| Failure::Usage(format!("{} has no node {hostname}", team.name)))?;
            let what = format!(
                "{hostname} ({}, {}, last heard {}) is removed from {}. A token that is still good may \
                 let it in again.",
                text(found, "/kind"),
                text(found, "/private_ip"),
                age(found, "/last_seen_at"),
                team.name
            );
            confirm(&person.control().address(), &what, unasked.yes)?;
            let path = format!("/{}/nodes/{}", team.id, in_path(&hostname));
            let _: Value = person.ask("DELETE", &path, Vec::new(), None)?;
            say!("{hostname} was removed");
        }
    }
    Ok(())
}
