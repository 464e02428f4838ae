//! Who is signed in on this machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock;
use crate::failure::Failure;
use crate::home::{Home, Locked};
use crate::issuer::{Issuer, Tokens};

const FILE: &str = "session.json";
/// So long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_mins(1);

/// Somebody's session.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    /// The address of the control plane.
    pub(crate) control: String,
    issuer: String,
    client_id: String,
    id_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_at: u64,
}

impl Session {
    /// A session that begins.
    pub(crate) fn new(control: String, issuer: &Issuer, tokens: Tokens) -> Self {
        Self {
            control,
            issuer: issuer.url().to_owned(),
            client_id: issuer.client_id().to_owned(),
            expires_at: tokens.expires_at,
            id_token: tokens.id_token,
            refresh_token: tokens.refresh_token,
        }
    }

    /// The session that was begun, renewed if its token is at its end.
    pub(crate) fn resume(home: &Home) -> Result<Self, Failure> {
        let session = Self::read(home)?;
        if session.is_good() {
            return Ok(session);
        }
        let locked = home.lock()?;
        // Another command may have renewed it meanwhile.
        let session = Self::read(home)?;
        if session.is_good() {
            return Ok(session);
        }
        let refresh_token = session.refresh_token.ok_or(Failure::SignedOut)?;
        let issuer = Issuer::discover(&session.issuer, &session.client_id)?;
        let mut tokens = issuer.renew(&refresh_token)?;
        // An issuer that gives no new one lets the old one be used again.
        tokens.refresh_token.get_or_insert(refresh_token);
        let renewed = Self::new(session.control, &issuer, tokens);
        renewed.write(&locked)?;
        Ok(renewed)
    }

    fn read(home: &Home) -> Result<Self, Failure> {
        home.read(FILE)?.ok_or(Failure::SignedOut)
    }

    /// Whether its token may be used.
    fn is_good(&self) -> bool {
        clock::unix(clock::now() + MARGIN) < self.expires_at
    }

    /// The ID token.
    pub(crate) fn id_token(&self) -> &str {
        &self.id_token
    }

    /// Writes it down.
    pub(crate) fn write(&self, locked: &Locked<'_>) -> Result<(), Failure> {
        locked.write(FILE, self)
    }

    /// Forgets it. Tells whether there was one.
    pub(crate) fn end(locked: &Locked<'_>) -> Result<bool, Failure> {
        locked.remove(FILE)
    }
}
