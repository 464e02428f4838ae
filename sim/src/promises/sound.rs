//! What the promises rest on: nothing fails inside, owners are counted, a team keeps one, and what is
//! mirrored agrees.

use std::collections::BTreeMap;

use crate::dynamodb::{number, text};
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (n, attempt, request) in evidence.attempts() {
        if let Some((_, answer)) = &attempt.answer
            && answer.code() == "internal"
        {
            broken.push(format!(
                "sound: attempt {n}, {request}, was answered with an internal error"
            ));
        }
    }
    for token in evidence.items_of("TOKEN#").filter(|token| !token.contains_key("hash")) {
        broken.push(format!("sound: a token that nobody has made: {token:?}"));
    }
    let mut owners: BTreeMap<&str, u64> = BTreeMap::new();
    let mut roles = BTreeMap::new();
    for (key, item) in &evidence.items {
        if key.sk.starts_with("MEMBER#") {
            let role = text(item, "role");
            roles.insert((key.pk.as_str(), text(item, "principal")), role);
            *owners.entry(&key.pk).or_default() += u64::from(role == Some("owner"));
        }
    }
    for (key, item) in &evidence.items {
        if key.sk == "TEAM" {
            let counted = number(item, "owners");
            let there = owners.get(key.pk.as_str()).copied();
            if counted != there || there == Some(0) {
                broken.push(format!("sound: {counted:?} owners are counted, {there:?} are there"));
            }
        }
        if key.pk.starts_with("PRINCIPAL#") {
            let who = key.pk.strip_prefix("PRINCIPAL#");
            let role = roles.remove(&(key.sk.as_str(), who));
            if role != Some(text(item, "role")) {
                broken.push(format!("sound: {key} says what {role:?} does not"));
            }
        }
    }
    broken.extend(roles.keys().map(|member| format!("sound: {member:?} does not find the team")));
    broken
}
