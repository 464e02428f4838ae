//! Whom the request is addressed to. A name on the internet may resolve to 127.0.0.1, and a page
//! loaded from it would speak to this system as its own origin (DNS rebinding).

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::refusal;

const OURS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Lets requests through that are addressed to this machine.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if is_ours(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    tracing::info!(status = 403, "refused: addressed to another host");
    let message = "Only requests to 127.0.0.1, localhost or [::1] are served: see the Host header";
    refusal::message(StatusCode::FORBIDDEN, message)
}

fn is_ours(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().ok().and_then(|host| host.parse().ok());
    host.is_some_and(|host| names_us(&host)) && uri.authority().is_none_or(names_us)
}

fn names_us(authority: &Authority) -> bool {
    let no_user = !authority.as_str().contains('@');
    let has_port = authority.as_str().len() > authority.host().len();
    let port_is_one = !has_port || authority.port_u16().is_some();
    no_user && port_is_one && OURS.iter().any(|ours| ours.eq_ignore_ascii_case(authority.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(host: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        is_ours(&Uri::from_static("/api/teams"), &headers)
    }

    #[test]
    fn only_this_machine_is_served_under_its_own_names() {
        for host in ["127.0.0.1", "127.0.0.1:8000", "localhost", "LocalHost:8000", "[::1]:9"] {
            assert!(admits(host), "{host}");
        }
        let others = [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil@127.0.0.1",
            "127.0.0.2",
            "0.0.0.0",
            "::1",
            "localhost.",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "127.0.0.1:x",
            "",
            "[::1",
            "a b",
            "127.0.0.1,evil.example",
        ];
        for host in others {
            assert!(!admits(host), "{host}");
        }
    }

    #[test]
    fn a_request_without_a_host_or_with_two_is_nobodys() {
        let uri = Uri::from_static("/");
        let mut headers = HeaderMap::new();
        assert!(!is_ours(&uri, &headers));
        headers.append(header::HOST, "localhost".parse().unwrap());
        headers.append(header::HOST, "localhost".parse().unwrap());
        assert!(!is_ours(&uri, &headers));
    }

    #[test]
    fn the_request_line_may_not_name_another_host_either() {
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        assert!(!is_ours(&Uri::from_static("http://evil.example/api/teams"), &headers));
        assert!(is_ours(&Uri::from_static("http://localhost:8000/api/teams"), &headers));
    }
}
