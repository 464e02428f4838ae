//! The event that API Gateway makes of a request for the function of an HTTP API (payload format
//! 2.0), quirks included, because the functions are to meet them here first.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use data_encoding::BASE64;
use muster_shared::domain::timestamp::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use time::OffsetDateTime;

use super::authorizer::Claims;
use super::routes::Found;

/// Headers that concern a connection and not what is sent through it.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
/// The content types whose bodies are handed over as text, besides `text/*`. All others are
/// base64, also the `application/x-www-form-urlencoded` that curl says of its own accord.
const TEXTUAL: [&str; 3] = ["application/json", "application/xml", "application/javascript"];

/// A request that a function is to answer.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) found: &'a Found,
    pub(super) claims: Option<Claims>,
    pub(super) peer: SocketAddr,
    pub(super) port: u16,
    pub(super) request_id: &'a str,
    pub(super) at: Timestamp,
}

/// The event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    version: &'static str,
    route_key: String,
    raw_path: String,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<String, String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: String,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: String,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Debug, Serialize)]
struct Authorizer<'a> {
    jwt: Jwt<'a>,
}

#[derive(Debug, Serialize)]
struct Jwt<'a> {
    claims: &'a Claims,
    /// The template asks for none.
    scopes: Option<&'a [String]>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: String,
    protocol: String,
    source_ip: IpAddr,
    user_agent: String,
}

impl<'a> Event<'a> {
    /// The event of a request.
    pub(super) fn new(incoming: &'a Incoming<'a>) -> Self {
        let Incoming { parts, found, peer, request_id, at, .. } = *incoming;
        let route_key = format!("{} {}", found.endpoint.method, found.endpoint.path);
        let (body, is_base64_encoded) = body(incoming);
        let query = parts.uri.query().unwrap_or_default();
        let context = Context {
            account_id: "000000000000",
            api_id: "local",
            authorizer: incoming
                .claims
                .as_ref()
                .map(|claims| Authorizer { jwt: Jwt { claims, scopes: None } }),
            domain_name: domain(&header(parts, &header::HOST)).to_owned(),
            domain_prefix: "local",
            http: Http {
                method: parts.method.as_str(),
                path: decoded(parts.uri.path()),
                protocol: format!("{:?}", parts.version),
                source_ip: peer.ip(),
                user_agent: header(parts, &header::USER_AGENT),
            },
            request_id,
            route_key: route_key.clone(),
            stage: "$default",
            time: time(at),
            time_epoch: at.as_unix().saturating_mul(1000),
        };
        Self {
            version: "2.0",
            route_key,
            raw_path: decoded(parts.uri.path()),
            raw_query_string: query,
            cookies: cookies(&parts.headers),
            headers: headers(incoming),
            query_string_parameters: joined(url::form_urlencoded::parse(query.as_bytes())),
            request_context: context,
            body,
            path_parameters: found
                .parameters
                .iter()
                .map(|(name, value)| (name.clone(), decoded(value)))
                .collect(),
            is_base64_encoded,
        }
    }
}

fn body(incoming: &Incoming<'_>) -> (Option<String>, bool) {
    match std::str::from_utf8(incoming.body) {
        _ if incoming.body.is_empty() => (None, false),
        Ok(text) if is_textual(&incoming.parts.headers) => (Some(text.to_owned()), false),
        _ => (Some(BASE64.encode(incoming.body)), true),
    }
}

fn header(parts: &Parts, name: &HeaderName) -> String {
    parts.headers.get(name).map(|value| text(value.as_bytes())).unwrap_or_default()
}

fn headers(incoming: &Incoming<'_>) -> BTreeMap<String, String> {
    let Incoming { parts, peer, port, .. } = incoming;
    let names = parts.headers.iter().map(|(name, value)| (name.as_str(), text(value.as_bytes())));
    let passed = names.filter(|(name, _)| *name != "cookie" && !HOP_BY_HOP.contains(name));
    let mut headers = joined(passed);
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers.insert("x-forwarded-port".to_owned(), port.to_string());
    let ip = peer.ip().to_string();
    headers
        .entry("x-forwarded-for".to_owned())
        .and_modify(|forwarded| *forwarded = format!("{forwarded}, {ip}"))
        .or_insert(ip);
    headers
}

/// Several values of one name become one, with commas.
fn joined<N: AsRef<str>, V: AsRef<str>>(
    pairs: impl Iterator<Item = (N, V)>,
) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in pairs {
        joined
            .entry(name.as_ref().to_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(value.as_ref());
            })
            .or_insert_with(|| value.as_ref().to_owned());
    }
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().map(|line| text(line.as_bytes()));
    lines.flat_map(|line| line.split("; ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn is_textual(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind.starts_with("text/") || TEXTUAL.contains(&kind.as_str())
}

fn domain(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((domain, port)) if port.bytes().all(|c| c.is_ascii_digit()) => domain,
        _ => host,
    }
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A time as in Apache's logs: `12/Mar/2020:19:03:58 +0000`.
fn time(at: Timestamp) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(at.as_unix()) else { return String::new() };
    let (day, month, year) = (at.day(), at.month().to_string(), at.year());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{day:02}/{month:.3}/{year}:{hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests;
