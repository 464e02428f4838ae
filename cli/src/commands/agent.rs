//! `muster agent`: sends heartbeats until this machine is removed.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;
use muster_domain::heartbeat::APART;
use muster_domain::node::ONLINE_WITHIN;
use muster_domain::text::OperatingSystem;
use serde::Serialize;

use crate::control_plane::ControlPlane;
use crate::facts;
use crate::failure::Failure;
use crate::home::Home;
use crate::state::State;
use crate::terminal::complain;

/// Sooner, not each counts; later, the device is shown as offline now and then: up to a tenth comes on top,
/// and some tries.
const INTERVAL: RangeInclusive<u64> = APART.as_secs() + 10..=ONLINE_WITHIN.as_secs() - 120;

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds between two heartbeats, about.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(INTERVAL))]
    interval: u64,
}

/// What a machine says of itself from time to time.
#[derive(Serialize)]
struct Heartbeat {
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<OperatingSystem>,
    agent_version: &'static str,
    addresses: Vec<IpAddr>,
}

/// Sends heartbeats; ends when this machine is not there any more.
pub(crate) fn agent(home: &Home, options: &Options) -> Result<(), Failure> {
    let (_, joined) = State::joined(home)?;
    let interval = Duration::from_secs(options.interval);
    complain!("{} sends heartbeats to {}", joined.node.hostname, joined.control);
    let mut is_away = false;
    loop {
        // It may have joined elsewhere, or under another name.
        let (key, joined) = State::joined(home)?;
        let control = ControlPlane::at(&joined.control)?;
        let heartbeat = Heartbeat {
            os: facts::operating_system(),
            agent_version: env!("CARGO_PKG_VERSION"),
            addresses: facts::addresses(),
        };
        match control.heartbeat(&key, &joined, &heartbeat, interval) {
            Ok(_) if is_away => {
                complain!("the control plane is back");
                is_away = false;
            }
            Ok(_) => {}
            // What is wrong may be mended: a network, a clock, a proxy, another version.
            Err(
                failure @ (Failure::Unreachable { .. }
                | Failure::Strange { .. }
                | Failure::Refused(_)
                | Failure::Clock(_)),
            ) => {
                complain!("{failure}; it is tried again");
                is_away = true;
            }
            Err(failure) => return Err(failure),
        }
        // Those that were started together shall not come back together.
        std::thread::sleep(interval.mul_f64(0.9 + 0.2 * fastrand::f64()));
    }
}
