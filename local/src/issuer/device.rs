//! A sign-in on another device than the one that asks for it (RFC 8628): that one shows a code, which
//! a person types in elsewhere.

use std::sync::PoisonError;
use std::time::Duration;

use data_encoding::Encoding;
use data_encoding_macro::new_encoding;
use muster_shared::domain::principal::Email;
use muster_shared::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{AUDIENCE, Denied, Issuer, Parameters};

/// How long a code waits for a person.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);
/// How long a device has to wait before it asks again; short, for whoever waits is here.
const INTERVAL: Duration = Duration::from_secs(1);
/// How much longer it has to wait from then on if it did not.
const PENALTY: Duration = Duration::from_secs(5);

/// Consonants, of which no words are made.
const LETTERS: Encoding = new_encoding! { symbols: "BCDFGHJKLMNPQRST", };

/// A device that waits for a person.
pub(super) struct Waiting {
    user_code: String,
    signed_in: Option<Email>,
    interval: Duration,
    asked_at: Option<Timestamp>,
}

impl Issuer {
    /// What a device gets to show, and what it asks with from then on.
    pub(crate) fn device(&self, form: Option<&Parameters>) -> Result<Value, Denied> {
        let form = form.ok_or(Denied::Twice)?;
        if form.get("client_id").ok_or(Denied::Missing("client_id"))? != AUDIENCE {
            return Err(Denied::Client);
        }
        let code = self.code();
        let mut drawn = [0; 4];
        self.entropy.fill(&mut drawn);
        let user_code = LETTERS.encode(&drawn);
        let (left, right) = user_code.split_at(4);
        let shown = format!("{left}-{right}");
        let waiting = Waiting { user_code, signed_in: None, interval: INTERVAL, asked_at: None };
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.keep(&code, waiting, self.clock.now());
        let page = format!("{}/dev/device", self.url);
        Ok(json!({
            "device_code": code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={shown}"),
            "expires_in": LIFETIME.as_secs(),
            "interval": INTERVAL.as_secs(),
        }))
    }

    /// Signs a person in on the device that shows this code; `false` if none does.
    pub(crate) fn signed_in_elsewhere(&self, user_code: &str, email: &Email) -> bool {
        let typed: String = user_code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = devices
            .holding(self.clock.now())
            .filter(|waiting| waiting.user_code == typed && waiting.signed_in.is_none());
        match waiting.next() {
            Some(waiting) => {
                waiting.signed_in = Some(email.clone());
                true
            }
            None => false,
        }
    }

    /// Who has signed in for a device.
    pub(super) fn device_signed_in(&self, code: &str) -> Result<Email, Denied> {
        let now = self.clock.now();
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = devices.find(code).ok_or(Denied::Grant)?;
        if kept.has_expired(now) {
            return Err(Denied::Expired);
        }
        let waiting = &mut kept.what;
        if let Some(email) = waiting.signed_in.take() {
            devices.take(code);
            return Ok(email);
        }
        let asked_at = waiting.asked_at.replace(now);
        if asked_at.is_some_and(|asked_at| now.since(asked_at) < waiting.interval) {
            waiting.interval += PENALTY;
            return Err(Denied::SlowDown);
        }
        Err(Denied::Pending)
    }
}
