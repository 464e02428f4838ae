//! Where a person signs in for a client: the authorization code flow (RFC 6749, section 4.1) with
//! PKCE (RFC 7636), which comes back to this machine alone (RFC 8252).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::PoisonError;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use muster_shared::domain::principal::Email;
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::{AUDIENCE, Denied, Issuer, Parameters};

/// How long a code holds: it is exchanged at once.
pub(super) const LIFETIME: Duration = Duration::from_mins(1);

/// What a client asks for when it sends a person here.
pub(crate) struct Asked {
    callback: Callback,
    challenge: [u8; 32],
    nonce: Option<String>,
    /// Whether nothing may be shown: who has signed in before is signed in again, nobody else is.
    pub(crate) silent: bool,
    /// Whom the client expects.
    pub(crate) hint: Option<String>,
}

/// Why nobody signs in.
pub(crate) enum Refused {
    /// The client is not known, so it is the person who is told.
    Here(&'static str),
    /// The client is told, at this address.
    There(Url),
}

/// What a code stands for.
pub(super) struct Granted {
    email: Email,
    redirect_uri: String,
    challenge: [u8; 32],
    nonce: Option<String>,
}

/// Where a person is sent back to.
struct Callback {
    /// As it was given: whoever redeems the code has to name it alike.
    redirect_uri: String,
    url: Url,
    state: Option<String>,
}

impl Callback {
    /// `None` if it is not on this machine. The port is any: a client takes one that is free.
    fn new(redirect_uri: &str, state: Option<&str>) -> Option<Self> {
        let url = Url::parse(redirect_uri).ok()?;
        let on_this_machine = match url.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address == Ipv4Addr::LOCALHOST,
            Host::Ipv6(address) => address == Ipv6Addr::LOCALHOST,
        };
        let plain = url.scheme() == "http"
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let state = state.map(str::to_owned);
        (on_this_machine && plain).then(|| Self {
            redirect_uri: redirect_uri.to_owned(),
            url,
            state,
        })
    }

    /// The address that says `what` to the client.
    fn told(&self, issuer: &str, what: &[(&str, &str)]) -> Url {
        let mut url = self.url.clone();
        let state = self.state.as_deref().map(|state| ("state", state));
        url.query_pairs_mut().extend_pairs(what).extend_pairs(state).append_pair("iss", issuer);
        url
    }
}

impl Asked {
    /// What a content security policy calls the place that a person is sent back to.
    pub(crate) fn source(&self) -> String {
        let url = &self.callback.url;
        match url.host() {
            // A policy has no words for one IPv6 address.
            Some(Host::Ipv6(_)) => "http:".to_owned(),
            _ => url.origin().ascii_serialization(),
        }
    }
}

impl Issuer {
    /// Looks at what a client asks for.
    pub(crate) fn asked(&self, parameters: Option<&Parameters>) -> Result<Asked, Refused> {
        let here = |why| Err(Refused::Here(why));
        let Some(parameters) = parameters else {
            return here("A parameter stands twice in the address.");
        };
        let get = |name| parameters.get(name);
        if get("client_id") != Some(AUDIENCE) {
            return here("The client_id is not that of Muster, which is “muster”.");
        }
        let callback = get("redirect_uri").and_then(|uri| Callback::new(uri, get("state")));
        let Some(callback) = callback else {
            return here(
                "The redirect_uri leads elsewhere: it must be http:// on localhost, 127.0.0.1 or \
                 [::1], with no user and no fragment.",
            );
        };
        let there = |error, why| {
            let what = [("error", error), ("error_description", why)];
            Err(Refused::There(callback.told(&self.url, &what)))
        };
        if get("response_type") != Some("code") {
            return there("unsupported_response_type", "response_type must be code");
        }
        if !words(get("scope")).any(|scope| scope == "openid") {
            return there("invalid_scope", "scope must have openid in it");
        }
        let challenge = get("code_challenge")
            .filter(|_| get("code_challenge_method") == Some("S256"))
            .and_then(|challenge| BASE64URL_NOPAD.decode(challenge.as_bytes()).ok())
            .and_then(|challenge| challenge.try_into().ok());
        let Some(challenge) = challenge else {
            return there(
                "invalid_request",
                "code_challenge must be a SHA-256 in base64url, and code_challenge_method S256",
            );
        };
        let silent = words(get("prompt")).any(|prompt| prompt == "none");
        if silent && words(get("prompt")).count() > 1 {
            return there("invalid_request", "prompt is none and something else, too");
        }
        let [nonce, hint] = [get("nonce"), get("login_hint")].map(|text| text.map(str::to_owned));
        Ok(Asked { callback, challenge, nonce, silent, hint })
    }

    /// Where a person who has signed in is sent, with a code.
    pub(crate) fn granted(&self, asked: &Asked, email: &Email) -> Url {
        let code = self.code();
        let granted = Granted {
            email: email.clone(),
            redirect_uri: asked.callback.redirect_uri.clone(),
            challenge: asked.challenge,
            nonce: asked.nonce.clone(),
        };
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.keep(&code, granted, self.clock.now());
        asked.callback.told(&self.url, &[("code", &code)])
    }

    /// Where a client is told that nobody is signed in.
    pub(crate) fn login_required(&self, asked: &Asked) -> Url {
        asked.callback.told(&self.url, &[("error", "login_required")])
    }

    /// Who signed in for a code, and with what nonce. Whatever comes of it, the code is spent.
    pub(super) fn redeem(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<(Email, Option<String>), Denied> {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = codes.take(code).ok_or(Denied::Grant)?;
        let challenge: [u8; 32] = Sha256::digest(verifier.as_bytes()).into();
        let holds = !granted.has_expired(self.clock.now())
            && granted.what.redirect_uri == redirect_uri
            && granted.what.challenge == challenge;
        if holds { Ok((granted.what.email, granted.what.nonce)) } else { Err(Denied::Grant) }
    }
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_on_this_machine() {
        for good in [
            "http://localhost:8976/callback",
            "http://LOCALHOST/",
            "http://127.0.0.1:1/a?b=c",
            "http://[::1]:8976/callback",
            // What browsers take for 127.0.0.1.
            "http://127.1:8976/",
        ] {
            assert!(Callback::new(good, None).is_some(), "{good}");
        }
        for bad in [
            "",
            "/callback",
            "//localhost/callback",
            "https://localhost/callback",
            "javascript:alert(1)",
            "data:text/html,localhost",
            "http://evil.example/",
            "http://localhost.evil.example/",
            "http://localhost.:8976/",
            "http://localhost@evil.example/",
            "http://localhost:8976@evil.example/",
            "http://evil.example\\@localhost/",
            "http://evil.example#@localhost/",
            "http://evil.example?@localhost/",
            "http://user@localhost/",
            "http://:password@localhost/",
            "http://localhost/#fragment",
            "http://127.0.0.2/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localh\u{00f6}st/",
            "http://\u{ff45}vil.example/",
            "localhost:8976/callback",
        ] {
            assert!(Callback::new(bad, None).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_told_leads_to_the_host_that_was_looked_at() {
        let callback = Callback::new("http://localhost\\@evil.example/a", Some("&a=b#")).unwrap();
        let told = callback.told("http://127.0.0.1:8000", &[("code", "c")]);
        assert_eq!(
            told.as_str(),
            "http://localhost/@evil.example/a?code=c&state=%26a%3Db%23&iss=http%3A%2F%2F127.0.0.1%3A8000"
        );
    }
}
