//! What this machine says of itself.

use std::net::IpAddr;

use muster_domain::heartbeat::MAX_ADDRESSES;
use muster_domain::hostname::Hostname;
use muster_domain::text::OperatingSystem;

use crate::failure::Failure;

/// The name that this machine has been given.
pub(crate) fn hostname() -> Result<Hostname, Failure> {
    let name = gethostname::gethostname();
    let name = name.to_string_lossy();
    name.parse().map_err(|muster_domain::Invalid(why)| {
        Failure::Usage(format!("this machine's hostname {why}: give another with `--hostname`"))
    })
}

/// The operating system, if it can be told.
pub(crate) fn operating_system() -> Option<OperatingSystem> {
    let info = os_info::get();
    info.to_string().parse().ok()
}

/// The addresses of this machine's interfaces that others could reach.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES);
    addresses
}
