//! From an API Gateway event to a request.

use lambda_http::Request;
use lambda_http::http::uri::Authority;
use lambda_http::http::{HeaderValue, Uri, header};
use lambda_http::request::LambdaRequest;
use url::Url;

/// The request in an event.
pub fn request(event: LambdaRequest) -> Request {
    made_good(event).into()
}

/// An event that makes a request.
///
/// `lambda_http` builds a URL of the event's parts and panics where they do not make one, so they
/// are made good first: a host that is none is dropped, which leaves the API's own domain name,
/// and the query string is percent-encoded where it was not.
pub fn made_good(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::ApiGatewayV2(mut event) => {
            let forwarded = "x-forwarded-proto";
            let scheme = event.headers.get(forwarded).and_then(|scheme| scheme.to_str().ok());
            if !matches!(scheme, Some("http" | "https")) {
                event.headers.insert(forwarded, HeaderValue::from_static("https"));
            }
            // Nothing that a shell would read either: the host stands in the join command.
            let is_host = |host: &str| {
                host.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_:[]".contains(&c))
                    && host.parse::<Authority>().is_ok()
                    && Url::parse(&format!("https://{host}/")).is_ok()
            };
            let host = event.headers.get(header::HOST);
            if !host.is_some_and(|host| host.to_str().is_ok_and(is_host)) {
                event.headers.remove(header::HOST);
                let domain = &mut event.request_context.domain_name;
                *domain = domain.take().filter(|domain| is_host(domain));
            }
            if let Some(query) = &event.raw_query_string
                && format!("/?{query}").parse::<Uri>().is_err()
            {
                let encoded = Url::parse(&format!("https://host/?{query}"));
                event.raw_query_string =
                    encoded.ok().and_then(|url| url.query().map(str::to_owned));
            }
            if !event.raw_path.as_deref().unwrap_or_default().starts_with('/') {
                event.raw_path = Some("/".to_owned());
            }
            LambdaRequest::ApiGatewayV2(event)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(host: &str, path: &str, query: &str) -> Request {
        let event: Value = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": {"host": host},
            "requestContext": {
                "domainName": "api.example.com", "stage": "$default",
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
            },
            "isBase64Encoded": false
        });
        request(serde_json::from_value(event).unwrap())
    }

    #[test]
    fn a_good_event_is_read_as_it_is() {
        let request = read("muster.example.com", "/api/teams", "limit=5");
        assert_eq!(request.uri(), "https://muster.example.com/api/teams?limit=5");
    }

    #[test]
    fn an_invalid_host_does_not_kill_the_function() {
        for host in ["a b", "", "a/b", "[", "x@y", "a:b:c", "%", "\u{e4}", "a';id;'", "$(id)"] {
            let request = read(host, "/api/teams", "");
            assert_eq!(request.uri().host(), Some("api.example.com"), "{host:?}");
        }
    }

    #[test]
    fn an_invalid_path_or_query_does_not_kill_the_function() {
        for path in ["", "//", "/a b", "/\u{e4}", "/%", "/..", "@evil", "/\\"] {
            for query in ["", "a b", "q=\u{e4}", "%", "&&&", "=", "{}|\\^`\""] {
                let request = read("api.example.com", path, query);
                assert_eq!(request.uri().host(), Some("api.example.com"), "{path} {query}");
            }
        }
    }
}
