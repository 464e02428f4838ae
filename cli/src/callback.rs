//! Where the browser comes back to after somebody has signed in (RFC 8252, 7.3).

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tiny_http::{Header, Response, Server};
use url::Url;

use crate::failure::Failure;

/// One port, for not every issuer lets a client come back to any.
const PORT: u16 = 8976;
const URL: &str = "http://localhost:8976/callback";

/// A port of this machine that waits for the browser.
pub(crate) struct Callback(Server);

impl Callback {
    /// Listens.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let server = Server::http(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        server.map(Self).map_err(|error| {
            Failure::Usage(format!(
                "port {PORT} is not to be had ({error}): end what listens there"
            ))
        })
    }

    /// The URL that leads here.
    #[expect(clippy::unused_self, reason = "nobody is to be led to where nobody listens")]
    pub(crate) fn url(&self) -> &str {
        URL
    }

    /// Waits for the code that comes with this state from this issuer, which `says_who` it is or may do
    /// so.
    pub(crate) fn code(
        &self,
        state: &str,
        issuer: &str,
        says_who: bool,
        within: Duration,
    ) -> Result<String, Failure> {
        let failed = |why: String| Failure::SignIn { issuer: issuer.to_owned(), why };
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let request = self.0.recv_timeout(left).map_err(|error| failed(error.to_string()))?;
            let Some(request) = request else {
                return Err(failed(format!("nobody signed in within {} s", within.as_secs())));
            };
            let mut query = query_of(request.url());
            // Another page could call this port too: only who knows the state is answered.
            if query.remove("state").as_deref() != Some(state) {
                let _ = request.respond(Response::from_string("").with_status_code(404));
                continue;
            }
            // Another issuer's answer may be a mix-up (RFC 9207).
            let is_its = query.get("iss").map_or(!says_who, |from| from == issuer);
            let code = query.remove("code").filter(|_| is_its);
            let told = match code {
                Some(_) => "Signed in: go back to the terminal.\n",
                None => "Not signed in.\n",
            };
            let kind = Header::from_bytes("Content-Type", "text/plain; charset=utf-8").ok();
            let answer = Response::from_string(told);
            let _ = request.respond(kind.into_iter().fold(answer, Response::with_header));
            let why = || {
                let why = query.remove("error_description").or_else(|| query.remove("error"));
                failed(why.unwrap_or_else(|| "it gave no code".to_owned()))
            };
            return code.ok_or_else(why);
        }
    }
}

fn query_of(path: &str) -> HashMap<String, String> {
    let url = Url::parse(URL).and_then(|base| base.join(path));
    let url = url.ok().filter(|url| url.path() == "/callback");
    url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}
