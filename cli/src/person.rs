//! What somebody who is signed in asks of the control plane.

use std::time::Duration;

use indicatif::ProgressBar;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::control_plane::{Caller, ControlPlane, Request, control_of_environment};
use crate::failure::Failure;
use crate::home::Home;
use crate::session::Session;

const WITHIN: Duration = Duration::from_mins(1);
/// The longest page that a list has.
const PAGE: &str = "100";

/// Pages that a list may have: a million of anything.
const PAGES: usize = 10_000;

/// Somebody who is signed in.
pub(crate) struct Person {
    control: ControlPlane,
    session: Session,
}

/// A team, and one's role in it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

impl Person {
    /// Who is signed in here.
    pub(crate) fn signed_in(home: &Home) -> Result<Self, Failure> {
        let session = Session::resume(home)?;
        let control = ControlPlane::at(&session.control)?;
        if let Some(wanted) = control_of_environment()
            && ControlPlane::at(&wanted)?.address() != control.address()
        {
            let why = format!(
                "you are signed in to {}, and MUSTER_URL says {wanted}: sign in there with `muster login`",
                control.address()
            );
            return Err(Failure::Usage(why));
        }
        Ok(Self { control, session })
    }

    /// Somebody who has just signed in.
    pub(crate) fn new(control: ControlPlane, session: Session) -> Self {
        Self { control, session }
    }

    /// The control plane that they are signed in to.
    pub(crate) fn control(&self) -> &ControlPlane {
        &self.control
    }

    /// Asks for something, under a path of `/api/teams`.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        query: Vec<(&'static str, String)>,
        body: Option<Value>,
    ) -> Result<T, Failure> {
        self.send(method, path, query, body, false)
    }

    /// Has something made, which another try would make once more.
    pub(crate) fn make(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.send("POST", path, Vec::new(), Some(body), true)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        query: Vec<(&'static str, String)>,
        body: Option<Value>,
        makes: bool,
    ) -> Result<T, Failure> {
        let path = format!("/api/teams{path}").into();
        let caller = Caller::Person(self.session.id_token());
        self.control.ask(&Request { method, path, query, caller, body, makes }, WITHIN)
    }

    /// All that is in a list, page by page.
    pub(crate) fn all(
        &self,
        path: &str,
        list: &str,
        query: &[(&'static str, String)],
    ) -> Result<Vec<Value>, Failure> {
        let (mut all, mut cursor) = (Vec::new(), None);
        let progress = ProgressBar::new_spinner().with_message("reading");
        for _ in 0..PAGES {
            progress.inc(1);
            let mut query = query.to_vec();
            query.push(("limit", PAGE.to_owned()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let mut page: Value = self.ask("GET", path, query, None)?;
            if let Some(Value::Array(entries)) = page.get_mut(list).map(Value::take) {
                all.extend(entries);
            }
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                progress.finish_and_clear();
                return Ok(all);
            }
        }
        Err(self.control.strange("its list does not end"))
    }

    /// The teams that they are in.
    pub(crate) fn teams(&self) -> Result<Vec<Team>, Failure> {
        let teams = Value::Array(self.all("", "teams", &[])?);
        serde_json::from_value(teams).map_err(|_| self.control.strange("its teams are none"))
    }

    /// The team of this id or name, or the only one that they are in.
    pub(crate) fn team(&self, wanted: Option<&str>) -> Result<Team, Failure> {
        let teams = self.teams()?;
        let is_wanted =
            |team: &&Team| wanted.is_none_or(|wanted| team.id == wanted || team.name == wanted);
        let mut found = teams.iter().filter(is_wanted);
        match (found.next(), found.next(), wanted) {
            (Some(team), None, _) => Ok(team.clone()),
            (None, _, Some(wanted)) => Err(Failure::Usage(format!(
                "you are in no team {wanted}; yours: {}",
                listed(&teams)
            ))),
            (None, _, None) => {
                let what = "you are in no team: make one with `muster team create`, or ask its owner to add you";
                Err(Failure::Usage(what.to_owned()))
            }
            (Some(_), Some(_), _) => {
                Err(Failure::Usage(format!("which team? Give `--team`, one of {}", listed(&teams))))
            }
        }
    }
}

fn listed(teams: &[Team]) -> String {
    let teams: Vec<_> = teams.iter().map(|team| format!("{} ({})", team.name, team.id)).collect();
    if teams.is_empty() { "none".to_owned() } else { teams.join(", ") }
}
