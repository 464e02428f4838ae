//! What a caller may do is decided by their membership as it was read, and stands when it is done: not
//! by one that has ended or changed in between, be the caller back by then. And it is enough for it.

use crate::dynamodb::{Change, Item, text};
use crate::request::{Request, Want};
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let of = |change| Some((change, evidence.request_of(change)?));
    let made = || evidence.changes.iter().filter_map(|change| of(change.as_ref()));
    let unfounded = made().filter_map(|(change, request)| is_unfounded(evidence, change, request));
    let presumed = made().filter_map(|(change, request)| is_presumed(evidence, change, request));
    unfounded.chain(presumed).collect()
}

/// Whether a want has to be one of an owner's or an admin's. Whose caller nobody asks for is `None`.
fn takes_rank(want: &Want) -> Option<bool> {
    match want {
        Want::CreateToken { .. }
        | Want::AddMember { .. }
        | Want::SetRole { .. }
        | Want::RemoveMember { .. } => Some(true),
        Want::SelfEnroll { .. } => Some(false),
        _ => None,
    }
}

/// Why a change should not have been made, if it should not: the caller was somebody else by then.
fn is_unfounded(evidence: &Evidence, change: &Change, request: &Request) -> Option<String> {
    let by = request.by.as_deref()?;
    let names: &[&str] =
        if takes_rank(&request.want)? { &["membership", "role"] } else { &["membership"] };
    let told = |item: &Item| -> Vec<Option<String>> {
        names.iter().map(|name| text(item, name).map(str::to_owned)).collect()
    };
    let caller = format!("MEMBER#{by}");
    // Who changes themselves is held to the version of what they change.
    if change.key.sk == caller {
        return None;
    }
    let read = last_read(evidence, change, &caller)?;
    // Until it is decided, what was checked is held.
    let of_caller = evidence.changes.iter().filter(|other| other.key == read.key);
    let stood = of_caller.take_while(|other| other.at <= change.decided()).last();
    let stood = stood.and_then(|state| state.new.as_deref());
    (stood.map(told) != Some(told(&read.item))).then(|| {
        format!(
            "authority: {request}: {} by a caller who was not {:?}",
            change.key,
            told(&read.item)
        )
    })
}

/// Why a change should not have been made, if it should not: the caller's role does not do for it.
fn is_presumed(evidence: &Evidence, change: &Change, request: &Request) -> Option<String> {
    let caller = format!("MEMBER#{}", request.by.as_deref()?);
    let role = |item: Option<&Item>| item.and_then(|item| text(item, "role")).map(rank);
    let (old, new) = (role(change.old.as_deref()), role(change.new.as_deref()));
    let own = if change.key.sk == caller {
        // Anybody may leave, and step down.
        match request.want {
            Want::SetRole { .. } => old?,
            _ => return None,
        }
    } else {
        let needs_none = matches!(request.want, Want::CreateTeam | Want::SelfEnroll { .. });
        if needs_none
            || matches!(request.want, Want::RemoveMember { ref who, .. } if caller.ends_with(who))
        {
            return None;
        }
        role(Some(&last_read(evidence, change, &caller)?.item))?
    };
    let is_member = change.key.sk.starts_with("MEMBER#");
    let least = if is_member { old.max(new).unwrap_or(0).max(1) } else { 1 };
    (own < least).then(|| format!("authority: {request}: {} by a caller of rank {own}", change.key))
}

fn rank(role: &str) -> u8 {
    match role {
        "owner" => 2,
        "admin" => 1,
        _ => 0,
    }
}

/// The caller, as the attempt that made a change has read them last before it was sent.
fn last_read<'a>(
    evidence: &'a Evidence,
    change: &Change,
    caller: &str,
) -> Option<&'a crate::history::Read> {
    let transaction = change.transaction.as_ref();
    let sent = transaction.and_then(|of| evidence.history.sent.get(of.token.as_ref()).copied());
    let sent = sent.unwrap_or(change.decided());
    let mut reads = evidence.history.reads.iter().rev();
    reads.find(|read| read.by == change.origin && read.key.sk == caller && read.at <= sent)
}
