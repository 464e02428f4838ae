//! `muster leave`: has this machine removed from its team.

use std::time::Duration;

use crate::control_plane::ControlPlane;
use crate::failure::Failure;
use crate::home::Home;
use crate::state::State;
use crate::terminal::say;

const WITHIN: Duration = Duration::from_secs(30);

/// Leaves; a machine that was removed already has left.
pub(crate) fn leave(home: &Home) -> Result<(), Failure> {
    let locked = home.lock()?;
    let (key, joined) = State::joined(home)?;
    match ControlPlane::at(&joined.control)?.leave(&key, &joined, WITHIN) {
        Ok(()) | Err(Failure::Removed) => {}
        Err(failure) => return Err(failure),
    }
    State { key, joined: None }.write(&locked)?;
    say!("{} has left its team", joined.node.hostname);
    Ok(())
}
