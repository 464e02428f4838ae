//! What a caller may do is decided by their membership as it was read, and stands when it is done: not
//! by one that has ended or changed in between, be the caller back by then.

use std::time::Duration;

use crate::dynamodb::{Change, Item, text};
use crate::request::Want;
use crate::world::Evidence;

/// A check of the caller may be let go before what it guards is committed, by as much as the
/// messages of one transaction are apart.
const APART: Duration = Duration::from_millis(40);

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    evidence.changes.iter().filter_map(|change| is_unfounded(evidence, change)).collect()
}

/// Why a change should not have been made, if it should not.
fn is_unfounded(evidence: &Evidence, change: &Change) -> Option<String> {
    let request = evidence.request_of(change)?;
    let by = request.by.as_deref()?;
    let with_role = match request.want {
        Want::CreateToken { .. }
        | Want::AddMember { .. }
        | Want::SetRole { .. }
        | Want::RemoveMember { .. } => true,
        Want::SelfEnroll { .. } => false,
        _ => return None,
    };
    let names: &[&str] = if with_role { &["membership", "role"] } else { &["membership"] };
    let told = |item: &Item| -> Vec<Option<String>> {
        names.iter().map(|name| text(item, name).map(str::to_owned)).collect()
    };
    let caller = format!("MEMBER#{by}");
    // Who changes themselves is held to the version of what they change.
    if change.key.sk == caller {
        return None;
    }
    let mut reads = evidence.history.reads.iter().rev();
    let read = reads
        .find(|read| read.by == change.origin && read.key.sk == caller && read.at <= change.at)?;
    // As it was within that time: each state that ended after it began.
    let of_caller = || evidence.changes.iter().filter(|other| other.key == read.key);
    let began = change.at.saturating_sub(APART);
    let at_first = of_caller().take_while(|other| other.at <= began).last();
    let within = of_caller().filter(|other| other.at > began && other.at <= change.at);
    let mut states = at_first.into_iter().chain(within).filter_map(|state| state.new.as_deref());
    let stood = states.any(|state| told(state) == told(&read.item));
    (!stood).then(|| {
        format!(
            "authority: {request}: {} by a caller who was not {:?}",
            change.key,
            told(&read.item)
        )
    })
}
