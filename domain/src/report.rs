//! What a machine says of itself when it registers.

use std::net::IpAddr;

use super::hostname::Hostname;
use super::node::Node;
use super::text::{Group, Kind, Meta, Name, OperatingSystem, Tags};

/// A machine's report. What is `None` was left out: it stays as it was.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its hostname, which the node is known by.
    pub hostname: Hostname,
    /// A name for people.
    pub name: Option<Name>,
    /// The address it gives as its own.
    pub ip_address: Option<IpAddr>,
    /// What it is.
    pub kind: Option<Kind>,
    /// The group it belongs to.
    pub group: Option<Group>,
    /// Its tags.
    pub tags: Option<Tags>,
    /// Free-form facts.
    pub meta: Option<Meta>,
    /// Its operating system.
    pub os: Option<OperatingSystem>,
}

impl Report {
    /// A report that says nothing but the hostname.
    pub fn of(hostname: Hostname) -> Self {
        Self {
            hostname,
            name: None,
            ip_address: None,
            kind: None,
            group: None,
            tags: None,
            meta: None,
            os: None,
        }
    }

    /// Writes what was given over what `node` had.
    pub(super) fn apply_to(&self, node: &mut Node) {
        fn replace<T: Clone>(field: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        fn replace_some<T: Clone>(field: &mut Option<T>, given: Option<&T>) {
            if given.is_some() {
                *field = given.cloned();
            }
        }
        replace_some(&mut node.name, self.name.as_ref());
        replace_some(&mut node.ip_address, self.ip_address.as_ref());
        replace(&mut node.kind, self.kind.as_ref());
        replace(&mut node.group, self.group.as_ref());
        replace(&mut node.tags, self.tags.as_ref());
        replace_some(&mut node.meta, self.meta.as_ref());
        if self.os.is_some() {
            node.os.clone_from(&self.os);
            // What it said before is older.
            if let Some(heartbeat) = &mut node.heartbeat {
                heartbeat.os = None;
            }
        }
    }
}
