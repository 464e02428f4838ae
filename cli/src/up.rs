//! `muster up`: joins a team, or says that this machine is in already.

use std::time::Duration;

use clap::Args;
use muster_domain::hostname::Hostname;
use muster_domain::text::{Group, Kind, OperatingSystem, Tag};
use serde::Serialize;

use crate::control_plane::ControlPlane;
use crate::device_key::DeviceKey;
use crate::facts;
use crate::failure::Failure;
use crate::node::Node;
use crate::state::{Home, Joined, State};
use crate::terminal::say;
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
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// What a machine says of itself when it registers.
#[derive(Serialize)]
struct Report<'a> {
    hostname: &'a Hostname,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a Kind>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<OperatingSystem>,
}

impl Options {
    /// Whether it asks for anything but to be in.
    fn asks_for_more(&self, node: &Node) -> bool {
        self.hostname.as_ref().is_some_and(|hostname| *hostname != node.hostname)
            || self.group.is_some()
            || self.kind.is_some()
            || !self.tags.is_empty()
    }
}

/// Joins, or says that this machine is in.
pub(crate) fn up(home: &Home, options: &Options) -> Result<(), Failure> {
    let token = token::given(options.token.as_deref())?;
    let control = options.control.clone().or_else(|| std::env::var("MUSTER_URL").ok());
    let within = Duration::from_secs(options.timeout);
    let locked = home.lock()?;
    let state = home.read()?;
    let joined = state.as_ref().and_then(|state| state.joined.clone());
    let control = control.or_else(|| joined.as_ref().map(|joined| joined.control.clone()));
    let Some(control) = control else {
        let why = "which control plane? Give `--control https://…`, or MUSTER_URL";
        return Err(Failure::Usage(why.to_owned()));
    };
    let control = ControlPlane::at(&control)?;
    let known = joined.filter(|joined| joined.control == control.address());
    if let (Some(State { key, .. }), Some(joined)) = (&state, &known)
        && !(token.is_some() && options.asks_for_more(&joined.node))
    {
        match control.own_node(key, joined, within) {
            Ok(node) => {
                connected(&node);
                return Ok(());
            }
            Err(Failure::Removed) if token.is_some() => {}
            Err(failure) => return Err(failure),
        }
    }
    let Some(token) = token else { return Err(Failure::NotJoined) };
    let mut state = match state {
        Some(state) => state,
        None => {
            let key = DeviceKey::generate();
            let why = "the operating system has no random bytes";
            let key = key.ok_or_else(|| Failure::Usage(why.to_owned()))?;
            // Kept before it is used: a repeat after a lost answer must come with the same key.
            let state = State { key, joined: None };
            locked.write(&state)?;
            state
        }
    };
    let hostname = match &options.hostname {
        Some(hostname) => hostname.clone(),
        None => facts::hostname()?,
    };
    let report = Report {
        hostname: &hostname,
        group: options.group.as_ref(),
        kind: options.kind.as_ref(),
        tags: &options.tags,
        os: facts::operating_system(),
    };
    let node = control.register(&state.key, &token, &report, within)?;
    connected(&node);
    state.joined = Some(Joined { control: control.address(), node });
    locked.write(&state)
}

fn connected(node: &Node) {
    say!("✓ Connected");
    say!("Device {}", node.hostname);
    if let Some(ip) = node.private_ip {
        say!("IP {ip}");
    }
}
