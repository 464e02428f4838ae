//! 7. A device's hostname can be re-registered only with its own key. A self-enrolled token reaches
//!    no node of another membership.

use std::collections::BTreeMap;

use crate::dynamodb::text;
use crate::request::{Want, public_key};
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for change in evidence.changes_of("NODE#") {
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        if let Some(new) = new
            && let (Some(id), Some(key)) = (text(new, "id"), text(new, "public_key"))
        {
            keys.insert(id, key);
        }
        let by = evidence.request_of(change).map(|request| &request.want);
        if let Some(old) = old
            && let Some(Want::Beat(device) | Want::Leave(device)) = by
            && text(old, "public_key") != Some(&public_key(device.key))
        {
            broken.push(format!("never taken over: {device} is not {:?}", text(old, "hostname")));
        }
        let (Some(old), Some(new)) = (old, new) else { continue };
        let host = text(new, "hostname");
        if text(old, "id") != text(new, "id") {
            broken.push(format!("never taken over: {host:?} became another node"));
        }
        let key = text(old, "public_key");
        if key.is_some() && key != text(new, "public_key") {
            broken.push(format!("never taken over: {host:?} has another key"));
        }
        if let Some(Want::Register { token, .. }) = by
            && token.self_enrolled
            && text(old, "sponsor.membership") != text(new, "sponsor.membership")
        {
            broken.push(format!("never taken over: {host:?} by the self-enrolled {}", token.id));
        }
    }
    for (attempt, _, answer) in evidence.registrations().filter(|(.., answer)| answer.is_success())
    {
        let request = evidence.history.requests.get(attempt.request);
        let Some(Want::Register { key, hostname, .. }) = request.map(|r| &r.want) else { continue };
        let own = keys.get(answer.text("id")).copied();
        // A node may have been without a key when it was answered, and become a device later.
        let device = !answer.text("private_ip").is_empty();
        if device && own != key.map(public_key).as_deref() {
            broken.push(format!("never taken over: {hostname} answered to another key"));
        }
    }
    broken
}
