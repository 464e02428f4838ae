//! 4. The plaintext exists in the create answer alone.

use crate::request::Want;
use crate::world::Evidence;

pub(super) fn check(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let holds = |text: &str| evidence.tokens.iter().find(|token| text.contains(&token.plaintext));
    for (n, attempt, request) in evidence.attempts() {
        let makes = matches!(request.want, Want::CreateToken { .. } | Want::SelfEnroll { .. });
        let body = attempt.answer.as_ref().map(|(_, answer)| answer.body.to_string());
        if let Some(token) = body.as_deref().and_then(holds).filter(|_| !makes) {
            broken.push(format!(
                "never shown: the answer to attempt {n} has the plaintext of {}",
                token.id
            ));
        }
    }
    for change in &evidence.changes {
        let item = serde_json::to_string(&change.new).unwrap_or_default();
        if let Some(token) = holds(&item) {
            broken.push(format!("never shown: {} has the plaintext of {}", change.key, token.id));
        }
    }
    broken
}
