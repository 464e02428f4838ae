//! `muster up`: joins a team, or says that this machine is in already.

use std::time::Duration;

use clap::Args;
use muster_domain::hostname::Hostname;
use muster_domain::plaintext::Plaintext;
use muster_domain::text::{Group, Kind, OperatingSystem, Tag};
use serde::Serialize;

use crate::control_plane::{self, ControlPlane};
use crate::device_key::DeviceKey;
use crate::facts;
use crate::failure::Failure;
use crate::home::{Home, Locked};
use crate::node::Node;
use crate::service;
use crate::state::{Joined, State};
use crate::terminal::{complain, say};
use crate::token;

#[derive(Args)]
pub(crate) struct Options {
    /// The enrollment token; `-` reads it from standard input. Also `MUSTER_TOKEN`, which shows in no list of
    /// processes.
    #[arg(long, value_name = "enrt_…")]
    token: Option<String>,
    /// The address of the control plane. Also `MUSTER_URL`.
    #[arg(long, value_name = "URL")]
    control: Option<String>,
    /// The group to be in; it is made if it is not there.
    #[arg(long)]
    group: Option<Group>,
    /// What kind of node this machine is.
    #[arg(long)]
    kind: Option<Kind>,
    /// A tag; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// What to be known by; this machine's own name if left out.
    #[arg(long)]
    hostname: Option<Hostname>,
    /// Seconds after which it is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Then keep the agent running, as a service of this machine: `muster down` ends it.
    #[arg(long)]
    daemon: bool,
    #[command(flatten)]
    unit: service::Place,
}

/// What a machine says of itself when it registers.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) hostname: Hostname,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<&'a Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'a Kind>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) tags: &'a [Tag],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) os: Option<OperatingSystem>,
}

impl Options {
    fn finish(&self, home: &Home, node: &Node) -> Result<(), Failure> {
        if self.daemon {
            service::install(home, &self.unit)?;
        } else {
            service::revive(&self.unit)?;
        }
        connected(node);
        Ok(())
    }

    /// Whether it asks for anything but to be in.
    fn asks_for_more(&self, node: &Node) -> bool {
        self.hostname.as_ref().is_some_and(|hostname| *hostname != node.hostname)
            || self.group.as_ref().is_some_and(|group| *group != node.group)
            || self.kind.as_ref().is_some_and(|kind| *kind != node.kind)
            || self.tags.iter().any(|tag| !node.tags.contains(tag))
    }
}

/// Joins, or says that this machine is in.
pub(crate) fn up(home: &Home, options: &Options) -> Result<(), Failure> {
    let token = token::given(options.token.as_deref())?;
    let control = options.control.clone().or_else(control_plane::control_of_environment);
    let within = Duration::from_secs(options.timeout);
    let locked = home.lock()?;
    let state = State::read(home)?;
    let joined = state.as_ref().and_then(|state| state.joined.clone());
    let control = control.or_else(|| joined.as_ref().map(|joined| joined.control.clone()));
    let control = ControlPlane::at(&control.ok_or_else(which_control)?)?;
    let known = only_here(joined, &control)?;
    if let (Some(State { key, .. }), Some(joined)) = (&state, &known)
        && !(token.is_some() && options.asks_for_more(&joined.node))
    {
        match control.own_node(key, joined, within) {
            Ok(node) => return options.finish(home, &node),
            Err(Failure::Removed) if token.is_some() => {}
            Err(failure) => return Err(failure),
        }
    }
    let Some(token) = token else { return Err(Failure::NotJoined) };
    let state = with_key(state, &locked)?;
    let report = Report {
        hostname: hostname(options.hostname.as_ref(), known.as_ref())?,
        group: options.group.as_ref(),
        kind: options.kind.as_ref(),
        tags: &options.tags,
        os: facts::operating_system(),
    };
    let node = join(state, &locked, &control, &token, &report, within)?;
    if let Some(Joined { node: before, .. }) = known.filter(|known| known.node.id != node.id) {
        complain!("{} may still be in the inventory: have an admin remove it", before.hostname);
    }
    options.finish(home, &node)
}

/// Where this machine has joined, which must be at this control plane, if anywhere.
pub(super) fn only_here(
    joined: Option<Joined>,
    control: &ControlPlane,
) -> Result<Option<Joined>, Failure> {
    let Some(Joined { control: other, node }) = &joined else { return Ok(None) };
    if *other == control.address() {
        return Ok(joined);
    }
    let why = format!(
        "this machine is {} at {other}: run `muster leave` first, or give another `--state-dir`",
        node.hostname
    );
    Err(Failure::Usage(why))
}

/// What is said where no control plane is named.
pub(super) fn which_control() -> Failure {
    Failure::Usage("which control plane? Give `--control https://…`, or MUSTER_URL".to_owned())
}

/// The name that was given, or the one that this machine has joined by, or its own.
pub(super) fn hostname(
    given: Option<&Hostname>,
    known: Option<&Joined>,
) -> Result<Hostname, Failure> {
    let known = given.or_else(|| known.map(|joined| &joined.node.hostname));
    known.cloned().map_or_else(facts::hostname, Ok)
}

/// The state, with a key that is made if there is none.
pub(super) fn with_key(state: Option<State>, locked: &Locked<'_>) -> Result<State, Failure> {
    if let Some(state) = state {
        return Ok(state);
    }
    let key = DeviceKey::generate();
    let why = "the operating system has no random bytes";
    let key = key.ok_or_else(|| Failure::Usage(why.to_owned()))?;
    // Kept before it is used: a repeat after a lost answer must come with the same key.
    let state = State { key, joined: None };
    state.write(locked)?;
    Ok(state)
}

/// Registers this machine, and writes down where it is.
pub(super) fn join(
    mut state: State,
    locked: &Locked<'_>,
    control: &ControlPlane,
    token: &Plaintext,
    report: &Report<'_>,
    within: Duration,
) -> Result<Node, Failure> {
    let node = control.register(&state.key, token, report, within)?;
    state.joined = Some(Joined { control: control.address(), node: node.clone() });
    state.write(locked)?;
    Ok(node)
}

/// Says that this machine is in.
pub(super) fn connected(node: &Node) {
    say!("✓ Connected");
    say!("Device {}", node.hostname);
    if let Some(ip) = node.private_ip {
        say!("IP {ip}");
    }
}
