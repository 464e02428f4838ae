//! `muster leave`: has this machine removed from its team.

use std::time::Duration;

use crate::control_plane::ControlPlane;
use crate::failure::Failure;
use crate::state::{Home, State};
use crate::terminal::say;

const WITHIN: Duration = Duration::from_secs(30);

/// Leaves; a machine that was removed already has left.
pub(crate) fn leave(home: &Home) -> Result<(), Failure> {
    let locked = home.lock()?;
    let (key, joined) = home.joined()?;
    match ControlPlane::at(&joined.control)?.leave(&key, &joined, WITHIN) {
        Ok(()) | Err(Failure::Removed) => {}
        Err(failure) => return Err(failure),
    }
    locked.write(&State { key, joined: None })?;
    say!("{} has left its team", joined.node.hostname);
    Ok(())
}
