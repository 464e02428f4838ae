//! Nobody is told that what their request has done was refused, nor that a token is none which is one.
//! What else registrations are told is looked at in [`super::never_twice`].

use crate::history::Answer;
use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (n, attempt, request) in evidence.attempts() {
        let is_refused = |answer: &Answer| answer.is_final() && !answer.is_success();
        let Some((answered, _)) = attempt.answer.as_ref().filter(|(_, answer)| is_refused(answer))
        else {
            continue;
        };
        let Some(by) = request.by.as_ref().filter(|_| !matches!(request.want, Want::Cascade))
        else {
            continue;
        };
        let caller = format!("MEMBER#{by}");
        let own: Vec<_> = evidence.changes.iter().filter(|change| change.origin == n).collect();
        let Some(done) = own.first() else { continue };
        // What others have done since may be what was refused.
        let meanwhile = attempt.sent..=(*answered).max(evidence.visible(done));
        let by_others = evidence.changes.iter().any(|change| {
            let concerns = own.iter().any(|own| own.key == change.key) || change.key.sk == caller;
            concerns && change.origin != n && meanwhile.contains(&change.at)
        });
        if !by_others {
            broken.push(format!("truth: attempt {n}, {request}, was refused and did {}", done.key));
        }
    }
    for (n, attempt, request) in evidence.attempts() {
        let Want::Register { token, .. } = &request.want else { continue };
        let is_one = || evidence.tokens.iter().any(|known| known.plaintext == token.plaintext);
        let code = attempt.answer.as_ref().map(|(_, answer)| answer.code());
        if code == Some("invalid-token") && is_one() {
            broken.push(format!("truth: attempt {n}, {request}, was told that it is no token"));
        }
    }
    broken
}
