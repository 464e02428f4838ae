//! 2. A node that enrolls through a token counts one use; a refused request counts none and leaves
//!    nothing behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dynamodb::{Change, Item, Origin, number, text};
use crate::history::Attempt;
use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut uses: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (_, node, token) in evidence.uses() {
        *uses.entry((token, node)).or_default() += 1;
    }
    for ((token, node), times) in uses.iter().filter(|(_, times)| **times > 1) {
        broken.push(format!("never twice: {node} counted {times} times on {token}"));
    }
    for token in &evidence.tokens {
        let id = token.id.as_str();
        let own = evidence.items_of("TOKEN#").filter(|item| text(item, "id") == Some(id));
        let lanes = evidence.items_of("GATE#").filter(|item| text(item, "token") == Some(id));
        let passed: u64 = own.chain(lanes).filter_map(|gate| number(gate, "gate.used")).sum();
        let nodes = uses.keys().filter(|(of, _)| *of == id).count();
        let nodes = u64::try_from(nodes).unwrap_or(u64::MAX).saturating_add(token.worn);
        if passed != nodes {
            broken.push(format!("never twice: {passed} uses of {id} for {nodes} nodes"));
        }
    }
    broken.extend(evidence.attempts().filter_map(|(n, attempt, request)| {
        let Want::Register { .. } = request.want else { return None };
        let (_, answer) = attempt.answer.as_ref()?;
        let refused = answer.is_final() && !answer.is_success();
        let left = what_it_left(evidence, n, attempt).filter(|_| refused)?;
        Some(format!("never twice: refused attempt {n} left {} behind", left.key))
    }));
    broken
}

/// What a refused registration wrote, unless others changed its node meanwhile. Two things can't be
/// told by a request: that it was in, and then removed or taken over, before it could make good a
/// lost answer; and that what stood in its way was removed before a call arrived that it had long
/// given up (ADR 3).
fn what_it_left<'a>(
    evidence: &'a Evidence,
    origin: Origin,
    attempt: &Attempt,
) -> Option<&'a Arc<Change>> {
    let (answered, _) = attempt.answer.as_ref()?;
    let used =
        |item: &Option<Arc<Item>>| item.as_deref().and_then(|item| number(item, "gate.used"));
    let its_own = |change: &&Arc<Change>| change.origin == origin;
    let changed_by_others = |node: &Arc<Change>| {
        let meanwhile = attempt.sent..=node.at.max(*answered);
        evidence.changes_of(&node.key.sk).any(|change| {
            change.key == node.key && change.origin != origin && meanwhile.contains(&change.at)
        })
    };
    let left = evidence.changes.iter().filter(its_own).find(|change| {
        let counts = used(&change.new) != used(&change.old);
        counts || change.key.sk.starts_with("NODE#") || change.key.sk == "ADDR"
    })?;
    // What a transaction has done before the last look at the table, that or its answer tells.
    let told = evidence.history.last_looks.get(&origin).unwrap_or(answered);
    let is_untold = |change: &&Arc<Change>| change.transaction.is_none() || change.at > *told;
    let mut untold = evidence
        .changes_of("NODE#")
        .chain(evidence.changes_of("ADDR"))
        .filter(its_own)
        .filter(is_untold);
    (!untold.any(changed_by_others)).then_some(left)
}
