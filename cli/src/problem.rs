//! What the control plane says of a request that failed (RFC 9457).

use std::fmt;

use serde::Deserialize;

/// A problem.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    /// The stable code.
    pub(crate) code: String,
    /// What to do next.
    detail: String,
    /// The fields that are wrong.
    #[serde(default)]
    errors: Vec<Wrong>,
    /// The node that has the hostname which was asked for.
    holder: Option<Holder>,
}

#[derive(Debug, Clone, Deserialize)]
struct Wrong {
    pointer: Option<String>,
    parameter: Option<String>,
    detail: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Holder {
    id: String,
    created_at: String,
    last_seen_at: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, detail, errors, holder } = self;
        write!(f, "{detail} ({code})")?;
        for Wrong { pointer, parameter, detail } in errors {
            let place = pointer.as_deref().or(parameter.as_deref()).unwrap_or_default();
            write!(f, "\n  {} {detail}", place.trim_start_matches('/'))?;
        }
        if let Some(Holder { id, created_at, last_seen_at }) = holder {
            write!(f, "\n  {id} has it since {created_at}, and was last heard of {last_seen_at}")?;
        }
        Ok(())
    }
}
