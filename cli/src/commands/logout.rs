//! `muster logout`: forgets who is signed in.

use crate::failure::Failure;
use crate::home::Home;
use crate::session::Session;
use crate::terminal::say;

/// Forgets them. This machine stays in its team.
pub(crate) fn logout(home: &Home) -> Result<(), Failure> {
    let was = Session::end(&home.lock()?)?;
    say!("{}", if was { "Signed out." } else { "Nobody was signed in." });
    Ok(())
}
