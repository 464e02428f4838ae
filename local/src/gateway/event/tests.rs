use axum::http::{Method, Request};
use lambda_http::RequestExt;
use lambda_http::request::LambdaRequest;
use muster_shared::http::event::request;
use serde_json::{Value, json};

use super::*;
use crate::gateway::routes::Routes;

fn event_of(parts: &Parts, body: &[u8]) -> Value {
    let routes = Routes::new(crate::endpoints()).unwrap();
    let found = routes.find(&parts.method, parts.uri.path()).unwrap();
    let incoming = Incoming {
        parts,
        body,
        found: &found,
        claims: None,
        peer: "127.0.0.1:50000".parse().unwrap(),
        port: 8000,
        request_id: "id",
        at: Timestamp::from_unix(1_583_348_638),
    };
    serde_json::to_value(Event::new(&incoming)).unwrap()
}

fn parts(method: Method, uri: &str, headers: &[(&str, &[u8])]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri).header("host", "127.0.0.1:8000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn an_event_is_what_the_documentation_shows() {
    let headers: [(&str, &[u8]); 7] = [
        ("content-type", b"application/json"),
        ("user-agent", b"agent"),
        ("x-several", b"a"),
        ("x-several", b"b"),
        ("cookie", b"one=1; two=2"),
        ("x-forwarded-for", b"203.0.113.7"),
        ("x-forwarded-proto", b"https"),
    ];
    let uri = "/api/teams/team_a/members?limit=5&q=a%20b&q=c";
    let event = event_of(&parts(Method::POST, uri, &headers), br#"{"role":"admin"}"#);
    assert_eq!(
        event,
        json!({
            "version": "2.0",
            "routeKey": "POST /api/teams/{team_id}/members",
            "rawPath": "/api/teams/team_a/members",
            "rawQueryString": "limit=5&q=a%20b&q=c",
            "cookies": ["one=1", "two=2"],
            "headers": {
                "content-type": "application/json",
                "host": "127.0.0.1:8000",
                "user-agent": "agent",
                "x-forwarded-for": "203.0.113.7, 127.0.0.1",
                "x-forwarded-port": "8000",
                "x-forwarded-proto": "http",
                "x-several": "a,b",
            },
            "queryStringParameters": {"limit": "5", "q": "a b,c"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1",
                "domainPrefix": "local",
                "http": {
                    "method": "POST",
                    "path": "/api/teams/team_a/members",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "agent",
                },
                "requestId": "id",
                "routeKey": "POST /api/teams/{team_id}/members",
                "stage": "$default",
                "time": "04/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_000_i64,
            },
            "body": r#"{"role":"admin"}"#,
            "pathParameters": {"team_id": "team_a"},
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn a_path_is_handed_over_decoded() {
    let event =
        event_of(&parts(Method::DELETE, "/api/teams/t/members/bob%40example.com", &[]), b"");
    assert_eq!(event["pathParameters"]["member"], "bob@example.com");
    assert_eq!(event["rawPath"], "/api/teams/t/members/bob@example.com");
    assert_eq!(event.get("body"), None);
}

#[test]
fn only_text_of_a_textual_type_is_handed_over_as_text() {
    let cases: [(&[u8], &[u8], &str, bool); 6] = [
        (b"application/json; charset=utf-8", b"{}", "{}", false),
        (b"Text/Plain", b"a", "a", false),
        (b"application/x-www-form-urlencoded", b"{}", "e30=", true),
        (b"application/octet-stream", b"{}", "e30=", true),
        (b"application/json", b"\xff", "/w==", true),
        (b"\xff", b"{}", "e30=", true),
    ];
    for (kind, sent, body, encoded) in cases {
        let parts = parts(Method::POST, "/api/teams", &[("content-type", kind)]);
        let event = event_of(&parts, sent);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(body), &json!(encoded)));
    }
    assert_eq!(event_of(&parts(Method::POST, "/api/teams", &[]), b"{}")["isBase64Encoded"], true);
}

#[test]
fn the_function_reads_the_url_as_it_was_called() {
    let event = event_of(&parts(Method::POST, "/api/register-node", &[]), b"{}");
    let event: LambdaRequest = serde_json::from_value(event).unwrap();
    let request = request(event);
    assert_eq!(request.uri(), "http://127.0.0.1:8000/api/register-node");
    assert_eq!(request.raw_http_path(), "/api/register-node");
}

#[test]
fn no_request_makes_an_event_that_a_function_dies_of() {
    let long = "%ff".repeat(3_000);
    let segments = [
        "%",
        "%zz",
        "%00",
        "%0a",
        "%23",
        "%3f",
        "%2f",
        "%2f%2f",
        "..%2f..",
        "%5c",
        "%ff%fe",
        "%e2%82",
        "%25",
        "a%20b",
        "%F0%9F%92%A9",
        "%7b%7d",
        "@",
        "'",
        &long,
    ];
    let queries = ["", "?%", "?a=%ff", "?&&&", "?a=b&a", "?{}|", "?q=%23", &format!("?{long}")];
    let values: [&[u8]; 4] = [b"", b"\xff\xfe", b"\t", "\u{e4}".as_bytes()];
    for segment in segments {
        for query in queries {
            for value in values {
                let uri = format!("/api/teams/t/nodes/{segment}{query}");
                let headers = [("x-odd", value), ("cookie", value), ("user-agent", value)];
                let parts = parts(Method::DELETE, &uri, &headers);
                let text = event_of(&parts, b"").to_string();
                let event: LambdaRequest = serde_json::from_str(&text).unwrap();
                assert_eq!(request(event).method(), Method::DELETE);
            }
        }
    }
}
