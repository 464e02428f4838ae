//! `muster status`: what is known of this machine.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::control_plane::ControlPlane;
use crate::failure::Failure;
use crate::home::Home;
use crate::node::Node;
use crate::output;
use crate::state::State;
use crate::terminal::say;

const WITHIN: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct Options {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Status<'a> {
    control: &'a str,
    #[serde(flatten)]
    node: &'a Node,
}

/// Asks the control plane, and prints what it says.
pub(crate) fn status(home: &Home, options: &Options) -> Result<(), Failure> {
    let (key, joined) = State::joined(home)?;
    let node = ControlPlane::at(&joined.control)?.own_node(&key, &joined, WITHIN)?;
    if options.json {
        let status = Status { control: &joined.control, node: &node };
        output::json(&status);
        return Ok(());
    }
    say!("State      {}", node.status);
    say!("Device     {}", node.hostname);
    if let Some(ip) = node.private_ip {
        say!("IP         {ip}");
    }
    say!("Team       {}", node.team_id);
    say!("Control    {}", joined.control);
    say!("Last heard {}", node.last_seen_at);
    Ok(())
}
