//! `muster login`: signs somebody in, and takes the machine that they are at into their team.

use std::time::Duration;

use clap::Args;
use muster_domain::hostname::Hostname;
use muster_domain::plaintext::Plaintext;
use muster_domain::text::{Group, Kind, Tag};
use serde::Deserialize;
use serde_json::json;

use crate::control_plane::{self, ControlPlane};
use crate::facts;
use crate::failure::Failure;
use crate::home::Home;
use crate::issuer::Issuer;
use crate::person::Person;
use crate::service;
use crate::session::Session;
use crate::state::State;
use crate::terminal::{complain, say};

use super::OfTeam;
use super::up::{self, Report};

const WITHIN: Duration = Duration::from_mins(2);

#[derive(Args)]
pub(crate) struct Options {
    /// The address of the control plane. Also `MUSTER_URL`.
    #[arg(long, value_name = "URL")]
    control: Option<String>,
    #[command(flatten)]
    team: OfTeam,
    /// What this machine is to be known by; its own name if left out.
    #[arg(long)]
    hostname: Option<Hostname>,
    /// The group to be in; it is made if it is not there.
    #[arg(long)]
    group: Option<Group>,
    /// What kind of node this machine is.
    #[arg(long, default_value = "device")]
    kind: Kind,
    /// A tag; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// Sign in by a code that is entered elsewhere: for a machine without a browser.
    #[arg(long)]
    device: bool,
    /// Sign in and no more: this machine joins no team.
    #[arg(long)]
    only: bool,
}

/// The one token that a member makes for a device of their own.
#[derive(Deserialize)]
struct Made {
    token: String,
}

/// Signs in, and joins.
pub(crate) fn login(home: &Home, options: &Options) -> Result<(), Failure> {
    let joined = State::read(home)?.and_then(|state| state.joined);
    let control = options.control.clone().or_else(control_plane::control_of_environment);
    let control = control.or_else(|| joined.as_ref().map(|joined| joined.control.clone()));
    let control = ControlPlane::at(&control.ok_or_else(up::which_control)?)?;
    if !options.only {
        up::only_here(joined, &control)?;
    }
    let sign_in = control.sign_in(WITHIN)?;
    let [issuer] = sign_in.authorization_servers.as_slice() else {
        return Err(control.strange("it names no issuer"));
    };
    let issuer = Issuer::discover(issuer, &sign_in.client_id)?;
    complain!("You sign in at {}. What comes of it goes to {}.", issuer.url(), control.address());
    let tokens = if options.device { issuer.sign_in_elsewhere() } else { issuer.sign_in_here() }?;
    let session = Session::new(control.address(), &issuer, tokens);
    session.write(&home.lock()?)?;
    complain!("✓ Signed in");
    if options.only {
        return Ok(());
    }
    enroll(home, options, &Person::new(control, session))
}

/// Has this machine join the person's team, if it is not in one.
fn enroll(home: &Home, options: &Options, person: &Person) -> Result<(), Failure> {
    let control = person.control();
    let locked = home.lock()?;
    let state = State::read(home)?;
    let known = state.as_ref().and_then(|state| state.joined.clone());
    if let (Some(State { key, .. }), Some(joined)) = (&state, &known) {
        match control.own_node(key, joined, WITHIN) {
            Ok(node) => {
                complain!("This machine is in a team already: it stays as it is.");
                up::connected(&node);
                return Ok(());
            }
            Err(Failure::Removed) => {}
            Err(failure) => return Err(failure),
        }
    }
    if options.team.team.is_none() && person.teams()?.is_empty() {
        say!(
            "You are in no team yet: make one with `muster team create`, or ask its owner to add you."
        );
        return Ok(());
    }
    let team = person.team(options.team.team.as_deref())?;
    let hostname = up::hostname(options.hostname.as_ref(), known.as_ref())?;
    let state = up::with_key(state, &locked)?;
    let path = format!("/{}/self-enroll", team.id);
    // One that was made in vain is of no use to anybody, and soon at its end.
    let made: Made = person.ask("POST", &path, Vec::new(), Some(json!({})))?;
    let token: Plaintext =
        made.token.parse().map_err(|_| control.strange("what it gives is no token"))?;
    let report = Report {
        hostname,
        group: options.group.as_ref(),
        kind: Some(&options.kind),
        tags: &options.tags,
        os: facts::operating_system(),
    };
    let node = up::join(state, &locked, control, &token, &report, WITHIN)?;
    service::revive(&service::Place::default())?;
    up::connected(&node);
    Ok(())
}
