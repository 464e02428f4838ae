//! `muster token`: a team's enrollment tokens.

use std::str::FromStr;
use std::time::Duration;

use clap::Subcommand;
use muster_domain::text::Kind;
use muster_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::clock;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::{Column, Format, age, confirm, text};
use crate::person::Person;
use crate::terminal::complain;

use super::{OfTeam, Unasked, in_path};

const COLUMNS: [Column; 7] = [
    ("id", |token| text(token, "/id")),
    ("name", |token| text(token, "/name")),
    ("status", |token| text(token, "/status")),
    ("uses", uses),
    ("expires", expires),
    ("created by", creator),
    ("created", |token| age(token, "/created_at")),
];
const LINES: [Column; 9] = [
    ("Id", |token| text(token, "/id")),
    ("Name", |token| text(token, "/name")),
    ("Status", |token| text(token, "/status")),
    ("Uses", uses),
    ("Kinds", kinds),
    ("Expires", expires),
    ("Created", |token| format!("{} by {}", age(token, "/created_at"), creator(token))),
    ("Last used", |token| age(token, "/last_used_at")),
    ("Revoked", |token| age(token, "/revoked_at")),
];
const MADE: [Column; 3] = [
    ("Id", |token| text(token, "/id")),
    ("Token", |token| text(token, "/token")),
    ("Expires", expires),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a token, and shows its plaintext: this once.
    Create {
        /// What it is called: 1 to 100 characters.
        name: String,
        /// When it ends: a time from now such as `30d`, a time such as 2030-01-31T12:00:00Z, or `never`.
        #[arg(long, default_value = "never")]
        expires: Expiry,
        /// How many nodes it lets in; any number if left out.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        max_uses: Option<u32>,
        /// A kind of node that it lets in; may be given several times; every kind if left out.
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<Kind>,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Lists the tokens.
    List {
        /// Those of a status: active, expired, exhausted or revoked.
        #[arg(long)]
        status: Option<String>,
        /// Those whose name or creator has this in it.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Shows one.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
    /// Stops one, at once and for good. The nodes that it has let in stay.
    Revoke {
        /// Its id.
        id: String,
        #[command(flatten)]
        unasked: Unasked,
        #[command(flatten)]
        team: OfTeam,
        #[command(flatten)]
        format: Format,
    },
}

/// When a token ends, if it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry(Option<Timestamp>);

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self(Some(at)));
        }
        let after: Duration = humantime::parse_duration(text).map_err(|_| {
            "must be a time from now such as `30d`, a time such as 2030-01-31T12:00:00Z, or `never`"
        })?;
        let now = i64::try_from(clock::unix(clock::now())).map_err(|error| error.to_string())?;
        Ok(Self(Some(Timestamp::from_unix(now).after(after))))
    }
}

fn uses(token: &Value) -> String {
    let max = token.pointer("/max_uses").and_then(Value::as_u64);
    let max = max.map_or_else(|| "∞".to_owned(), |max| max.to_string());
    format!("{}/{max}", text(token, "/use_count"))
}

fn kinds(token: &Value) -> String {
    let is_any = token.pointer("/allowed_kinds").is_none_or(Value::is_null);
    if is_any { "all".to_owned() } else { text(token, "/allowed_kinds") }
}

fn expires(token: &Value) -> String {
    if token.pointer("/expires_at").is_none_or(Value::is_null) {
        return "never".to_owned();
    }
    age(token, "/expires_at")
}

fn creator(token: &Value) -> String {
    text(token, "/created_by/principal")
}

pub(crate) fn token(home: &Home, command: Command) -> Result<(), Failure> {
    let person = Person::signed_in(home)?;
    let tokens = |team: &OfTeam| {
        let team = person.team(team.team.as_deref())?;
        Ok::<_, Failure>(format!("/{}/registration-tokens", team.id))
    };
    match command {
        Command::Create { name, expires: Expiry(at), max_uses, kinds, team, format } => {
            let hint = kinds.first().map(|kind| format!(" --kind {kind}")).unwrap_or_default();
            let kinds = (!kinds.is_empty()).then_some(kinds);
            let body = json!({
                "name": name, "expires_at": at.map(|at| at.to_string()), "max_uses": max_uses,
                "allowed_kinds": kinds,
            });
            format.one(&person.make(&tokens(&team)?, body)?, &MADE);
            complain!("The token is shown this once. A machine joins with it:");
            complain!("  muster up --control {} --token -{hint}", person.control().address());
        }
        Command::List { status, search, team, format } => {
            let status = status.map(|status| ("status", status));
            let query: Vec<_> = status.into_iter().chain(search.map(|text| ("q", text))).collect();
            format.list(person.all(&tokens(&team)?, "tokens", &query)?, &COLUMNS);
        }
        Command::Show { id, team, format } => {
            let path = format!("{}/{}", tokens(&team)?, in_path(&id));
            format.one(&person.ask("GET", &path, Vec::new(), None)?, &LINES);
        }
        Command::Revoke { id, unasked, team, format } => {
            let path = format!("{}/{}", tokens(&team)?, in_path(&id));
            let found: Value = person.ask("GET", &path, Vec::new(), None)?;
            let what = format!(
                "{} ({id}) lets nobody in any more, for good. The nodes that it has let in stay; uses so far: {}.",
                text(&found, "/name"),
                text(&found, "/use_count"),
            );
            confirm(&person.control().address(), &what, unasked.yes)?;
            format.one(&person.ask("DELETE", &path, Vec::new(), None)?, &LINES);
        }
    }
    Ok(())
}
