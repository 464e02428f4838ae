//! 8. Two devices of a team never hold the same private address, and no address is held by nobody.

use std::collections::BTreeMap;

use crate::dynamodb::text;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut held: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (key, item) in &evidence.items {
        if let Some((team, ip)) = key.pk.split_once("#ADDR#") {
            held.insert((team, ip), text(item, "node").unwrap_or_default());
        }
    }
    for (key, item) in evidence.items.iter().filter(|(key, _)| key.sk.starts_with("NODE#")) {
        let team = key.pk.split("#LANE#").next().unwrap_or_default();
        let ip = text(item, "private_ip");
        if item.contains_key("public_key") != ip.is_some() {
            broken.push(format!("one address: {key} has a key or an address without the other"));
        }
        if let Some(ip) = ip
            && held.remove(&(team, ip)) != text(item, "id")
        {
            broken.push(format!("one address: {ip} is not held by {key}, or by two"));
        }
    }
    for ((_, ip), node) in held {
        broken.push(format!("one address: {ip} is held for {node}, which is not there"));
    }
    for change in evidence.changes_of("ADDR") {
        if let (Some(old), Some(new)) = (&change.old, &change.new)
            && text(old, "node") != text(new, "node")
        {
            broken.push(format!("one address: {} changed hands", change.key.pk));
        }
    }
    broken
}
