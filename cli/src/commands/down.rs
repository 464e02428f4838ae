//! `muster down`: ends the agent that `muster up --daemon` has started.

use crate::failure::Failure;
use crate::service::{self, Place};
use crate::terminal::say;

/// Ends it, now and for every start. The node stays.
pub(crate) fn down(place: &Place) -> Result<(), Failure> {
    if service::uninstall(place)? {
        say!(
            "The agent was ended. This machine is still in its team: `muster leave` has it removed."
        );
    } else {
        say!("No agent runs as a service.");
    }
    Ok(())
}
