//! How this command speaks HTTP: to whom, and with what patience.

use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use url::{Host, Url};

use crate::failure::Failure;

/// How long one answer is waited for: longer than a function may take.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// An address that secrets may be sent to: `https://`, or on this machine. `what` it is of stands in the
/// error.
pub(crate) fn trusted(what: &str, address: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("the address of the {what} {why}"));
    let url = Url::parse(address)
        .map_err(|_| wrong("must be a URL, such as https://muster.example.com"))?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here(&url)) {
        return Err(wrong("must begin with https://: the token would be read on the way"));
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must be a scheme, a host and perhaps a port and a path"));
    }
    Ok(url)
}

/// Whether an address is of this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// What requests to an address are sent with. It follows nowhere.
pub(crate) fn agent(to: &Url) -> ureq::Agent {
    // Whom this machine trusts, also where a company has certificates of its own.
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(ANSWER_WITHIN))
        .timeout_connect(Some(CONNECT_WITHIN))
        .tls_config(tls)
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")));
    // What stays on this machine goes through no proxy.
    let config = if is_here(to) { config.proxy(None) } else { config };
    config.build().into()
}
