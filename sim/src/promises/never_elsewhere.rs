//! 5. A token, a member, a node of one team writes nothing of another. Who does not hold a token's secret
//!    is let in nowhere.

use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for change in &evidence.changes {
        let Some(request) = evidence.request_of(change) else { continue };
        let Some(team) = request.team() else { continue };
        let key = &change.key;
        let its_own = [key.pk.strip_prefix("TEAM#"), key.sk.strip_prefix("TEAM#")];
        let its_own = its_own.into_iter().flatten().any(|of| of.split('#').next() == Some(team));
        let is_unfinished = key.pk == "REMOVALS" && key.sk.starts_with(team);
        if !its_own && !is_unfinished {
            broken.push(format!("never elsewhere: {request} changed {key}"));
        }
    }
    for (attempt, token, answer) in
        evidence.registrations().filter(|(.., answer)| answer.is_success())
    {
        let request = evidence.history.requests.get(attempt.request);
        let Some(Want::Register { token: presented, hostname, .. }) = request.map(|r| &r.want)
        else {
            continue;
        };
        if answer.text("team_id") != presented.team || answer.text("hostname") != hostname {
            broken.push(format!("never elsewhere: {token} answered {}", answer.body));
        }
        if !evidence.tokens.iter().any(|known| known.plaintext == presented.plaintext) {
            broken.push(format!("never elsewhere: {token} let in who does not hold its secret"));
        }
    }
    broken
}
