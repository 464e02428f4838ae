//! What the control plane says of a request that failed (RFC 9457).

use serde::Deserialize;

/// A problem.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    /// The stable code.
    pub(crate) code: String,
    /// What to do next.
    pub(crate) detail: String,
}
