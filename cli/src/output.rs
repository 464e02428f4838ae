//! What is shown: tables to people, JSON to programs.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use muster_domain::timestamp::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::clock;
use crate::failure::Failure;
use crate::terminal::{ask, hand_over, say};

/// How it is shown.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is shown of a value.
pub(crate) type Column = (&'static str, fn(&Value) -> String);

impl Format {
    /// Shows a list.
    pub(crate) fn list(self, entries: Vec<Value>, columns: &[Column]) {
        if self.json {
            return json(&Value::Array(entries));
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|(name, _)| name.to_uppercase()));
        for entry in &entries {
            table.add_row(columns.iter().map(|(_, cell)| in_one_line(&cell(entry))));
        }
        for line in table.lines() {
            say!("{}", line.trim());
        }
    }

    /// Shows one thing.
    pub(crate) fn one(self, thing: &Value, lines: &[Column]) {
        if self.json {
            return json(thing);
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in lines {
            say!("{name:width$}  {}", in_one_line(&value(thing)));
        }
    }
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    hand_over(&text);
}

/// A cell is one line.
fn in_one_line(text: &str) -> String {
    text.replace('\n', "\u{fffd}")
}

/// A field's text; `-` if there is none.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Array(all)) if all.is_empty() => "-".to_owned(),
        Some(Value::Array(all)) => {
            let all =
                all.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
            all.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// How long ago a time was, or how far it lies ahead, in words.
pub(crate) fn age(value: &Value, pointer: &str) -> String {
    let at = value.pointer(pointer).and_then(Value::as_str);
    let Some(at) = at.and_then(|at| at.parse::<Timestamp>().ok()) else {
        return text(value, pointer);
    };
    let now = i64::try_from(clock::unix(clock::now())).map_or(at, Timestamp::from_unix);
    let words = timeago::Formatter::new();
    if at > now {
        let mut words = words;
        return format!("in {}", words.ago("").convert(at.since(now)).trim());
    }
    words.convert(now.since(at))
}

/// Asks before something that can't be undone, at the control plane at `control`.
pub(crate) fn confirm(control: &str, what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let why = format!("{what}\nNobody is there to confirm it: give `--yes`");
        return Err(Failure::Unconfirmed(why));
    }
    ask!("At {control}: {what}\nGo on? [y/N] ");
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    let is_yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if is_yes { Ok(()) } else { Err(Failure::Declined) }
}
