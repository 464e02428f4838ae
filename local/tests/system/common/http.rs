//! HTTP as plain as it gets, so that a test can send what no library would.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts what API Gateway itself says.
    #[track_caller]
    pub fn is_refused(&self, status: u16, message: &str) {
        assert_eq!(self.of(status), serde_json::json!({ "message": message }));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// Asserts what a function says of a request that fails.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        let problem = self.of(status);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["type"], format!("urn:muster:problem:{code}"));
        assert_eq!(problem["request_id"].as_str(), self.header("apigw-requestid"));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
    }
}

/// A request being put together.
#[derive(Clone)]
pub struct Request {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        let line = format!("{method} {path} HTTP/1.1\r\n");
        Self { line, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut bytes = self.line.as_bytes().to_vec();
        let mut header = |name: &str, value: &[u8]| {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        let given = |name: &str| self.headers.iter().any(|(n, _)| n == name);
        if !given("host") {
            header("host", address.to_string().as_bytes());
        }
        if !given("content-length") && !self.body.is_empty() {
            header("content-length", self.body.len().to_string().as_bytes());
        }
        header("connection", b"close");
        for (name, value) in &self.headers {
            header(name, value);
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Sends it.
    #[track_caller]
    pub fn send(&self, address: SocketAddr) -> Answer {
        self.try_send(address).unwrap()
    }

    /// Sends it to somebody who may die meanwhile.
    pub fn try_send(&self, address: SocketAddr) -> io::Result<Answer> {
        send(address, &self.bytes(address))
    }
}

/// Sends any bytes at all.
pub fn send(address: SocketAddr, bytes: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // Who has refused it may have closed before all of it was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    parse(&answer).ok_or_else(|| match read {
        Err(error) => error,
        Ok(_) => ErrorKind::UnexpectedEof.into(),
    })
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = answer[end + 4..].to_vec();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, length)| length.parse().ok())?;
    (body.len() == length).then_some(Answer { status, headers, body })
}
