//! `muster member`: who is in a team.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap::{Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::home::Home;
use crate::output::{Column, Format, age, confirm, text};
use crate::person::{Person, Team};
use crate::terminal::{complain, say};

use super::{OfTeam, Unasked, in_path};

/// How long a removal is looked after, and how long one that finds nothing. It goes on when nobody does.
const WATCHED: Duration = Duration::from_mins(1);
const FINDS_SOMETHING_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);

const COLUMNS: [Column; 3] = [
    ("principal", |member| text(member, "/principal")),
    ("role", |member| text(member, "/role")),
    ("joined", |member| age(member, "/joined_at")),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the members.
    List {
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Adds somebody, by e-mail address, or a machine client, as `client:…`.
    Add {
        /// Who.
        who: String,
        /// Their role.
        #[arg(long, value_enum, default_value = "member")]
        role: Role,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Gives somebody another role.
    SetRole {
        /// Who.
        who: String,
        /// Their role.
        #[arg(value_enum)]
        role: Role,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Removes somebody, with the tokens that they made and the nodes that these let in.
    Remove {
        /// Who.
        who: String,
        #[command(flatten)]
        unasked: Unasked,
        #[command(flatten)]
        team: OfTeam,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Owner,
    Admin,
    Member,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

pub(crate) fn member(home: &Home, command: Command) -> Result<(), Failure> {
    let person = Person::signed_in(home)?;
    match command {
        Command::List { team, format } => {
            let team = person.team(team.team.as_deref())?;
            let members = person.all(&format!("/{}/members", team.id), "members", &[])?;
            format.list(members, &COLUMNS);
        }
        Command::Add { who, role, team, format } => {
            let team = person.team(team.team.as_deref())?;
            let name = if who.starts_with("client:") { "principal" } else { "email" };
            let body = json!({ name: who, "role": role.name() });
            let path = format!("/{}/members", team.id);
            format.one(&person.make(&path, body)?, &COLUMNS);
        }
        Command::SetRole { who, role, team, format } => {
            let team = person.team(team.team.as_deref())?;
            let body = Some(json!({ "role": role.name() }));
            format.one(&person.ask("PATCH", &one(&team, &who), Vec::new(), body)?, &COLUMNS);
        }
        Command::Remove { who, unasked, team } => {
            let team = person.team(team.team.as_deref())?;
            remove(&person, &team, &who, unasked)?;
        }
    }
    Ok(())
}

fn one(team: &Team, who: &str) -> String {
    format!("/{}/members/{}", team.id, in_path(who))
}

/// What goes with a member.
struct Reach {
    tokens: usize,
    nodes: usize,
}

fn remove(person: &Person, team: &Team, who: &str, unasked: Unasked) -> Result<(), Failure> {
    let members = person.all(&format!("/{}/members", team.id), "members", &[])?;
    let is_who = |member: &&Value| {
        ["/principal", "/email", "/membership_id"]
            .iter()
            .any(|field| text(member, field).eq_ignore_ascii_case(who))
    };
    let member = members.iter().find(is_who);
    let member =
        member.ok_or_else(|| Failure::Usage(format!("{who} is no member of {}", team.name)))?;
    // This stay and no other: what was shown is what goes.
    let (principal, membership) = (text(member, "/principal"), text(member, "/membership_id"));
    let what = match reach(person, team, &principal)? {
        Some(Reach { tokens, nodes }) => format!(
            "{principal} is removed from {}. Tokens that are revoked with them: {tokens}; nodes that are removed: {nodes}.",
            team.name
        ),
        None => {
            format!("{principal} is removed from {}, with the devices of their own.", team.name)
        }
    };
    confirm(&person.control().address(), &what, unasked.yes)?;
    let _: Value = person.ask("DELETE", &one(team, &membership), Vec::new(), None)?;
    say!("{principal} is no member any more");
    if let Err(failure) = watch(person, team, &membership) {
        // It goes on all the same; and who has removed themselves may not look any more.
        complain!("how far the removal has come is not to be seen: {failure}");
    }
    Ok(())
}

/// What a removal would reach; nothing if that is not for the caller to see.
fn reach(person: &Person, team: &Team, principal: &str) -> Result<Option<Reach>, Failure> {
    if team.role == "member" {
        return Ok(None);
    }
    let path = format!("/{}/registration-tokens", team.id);
    let tokens = person.all(&path, "tokens", &[("q", principal.to_owned())])?;
    let theirs = tokens.iter().filter(|token| text(token, "/created_by/principal") == principal);
    let (ids, open): (BTreeSet<_>, Vec<_>) =
        theirs.map(|token| (text(token, "/id"), text(token, "/status") != "revoked")).unzip();
    let nodes = person.all(&format!("/{}/nodes", team.id), "nodes", &[])?;
    let nodes = nodes.iter().filter(|node| ids.contains(&text(node, "/token_id"))).count();
    Ok(Some(Reach { tokens: open.into_iter().filter(|open| *open).count(), nodes }))
}

/// Shows how far a removal has come.
fn watch(person: &Person, team: &Team, membership: &str) -> Result<(), Failure> {
    if team.role == "member" {
        return Ok(());
    }
    let (began, path) = (Instant::now(), format!("/{}/removals", team.id));
    let progress = ProgressBar::new_spinner();
    let mut last = (String::new(), String::new());
    loop {
        let removals = person.all(&path, "removals", &[])?;
        let removal = removals.iter().find(|one| text(one, "/membership_id") == membership);
        let Some(removal) = removal else { return Ok(()) };
        let so_far = (text(removal, "/tokens_revoked"), text(removal, "/nodes_removed"));
        let (tokens, nodes) = &so_far;
        let told = format!("Tokens revoked: {tokens}; nodes removed: {nodes}");
        progress.set_message(told.clone());
        let is_done = text(removal, "/state") == "done";
        let found = tokens != "0" || nodes != "0";
        let most = if found { WATCHED } else { FINDS_SOMETHING_WITHIN };
        // It is done only when nothing more was found for a while: what was found is told before.
        if is_done || (found && last == so_far) || began.elapsed() >= most {
            progress.finish_and_clear();
            say!("{told}{}", if is_done { "" } else { ". It is looked after for a while yet." });
            return Ok(());
        }
        last = so_far;
        std::thread::sleep(LOOK_EVERY);
    }
}
