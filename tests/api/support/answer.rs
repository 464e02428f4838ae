//! An answer, held to what is promised of every answer.

use lambda_http::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::views;

/// What came back of one request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The request, for the message of a test that fails.
    asked: String,
}

impl Answer {
    /// Takes an answer in.
    pub(crate) fn new(
        asked: String,
        status: StatusCode,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Self {
        let text = String::from_utf8(body).expect("an answer is UTF-8");
        Self { status: status.as_u16(), headers, text, asked }
    }

    /// The answer, held to the form that every answer has.
    pub(crate) fn checked(self) -> Self {
        self.check();
        self
    }

    fn check(&self) {
        assert!(self.status < 500, "{self:?}");
        match self.header(header::CONTENT_TYPE.as_str()) {
            Some("application/json") if self.status < 300 => drop(self.json()),
            Some("application/problem+json") if self.status >= 400 => self.check_problem(),
            Some("application/json") => {
                assert!(self.json()["message"].is_string(), "API Gateway's own: {self:?}");
                return;
            }
            other => {
                assert_eq!((other, self.status, self.text.as_str()), (None, 204, ""), "{self:?}");
            }
        }
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
    }

    fn check_problem(&self) {
        let mut problem = self.json();
        let problem = problem.as_object_mut().expect("a problem is an object");
        let mut text = |name: &str| match problem.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => text,
            other => panic!("{name} is {other:?}: {self:?}"),
        };
        let code = text("code");
        assert_eq!(text("type"), format!("urn:muster:problem:{code}"));
        assert_eq!(Some(text("request_id").as_str()), self.header("apigw-requestid"), "{self:?}");
        text("title");
        text("detail");
        assert_eq!(problem.remove("status"), Some(self.status.into()), "{self:?}");
        let errors = problem.remove("errors");
        let names_fields = code == "invalid-request" || code == "invalid-proof";
        assert_eq!(names_fields, errors.is_some(), "{self:?}");
        for error in errors.iter().flat_map(|errors| errors.as_array().expect("a list")) {
            let names: Vec<_> = error.as_object().expect("an object").keys().collect();
            assert!(names == ["detail", "pointer"] || names == ["detail", "parameter"], "{self:?}");
        }
        let holder = problem.remove("holder");
        assert_eq!(code == "hostname-conflict", holder.is_some(), "{self:?}");
        assert!(problem.is_empty(), "a problem has nothing else: {self:?}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The JSON of the answer; `null` if it has no body.
    pub(crate) fn body(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The JSON of an answer that must have this status; `null` if it has no body.
    #[track_caller]
    pub(crate) fn of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self.body()
    }

    /// The problem that a function must have told.
    /// The node that has registered, whatever it says it did.
    #[track_caller]
    pub(crate) fn registered(&self, outcome: &str) -> Value {
        let mut node = self.of(if outcome == "created" { 201 } else { 200 });
        let told = node.as_object_mut().unwrap().remove("outcome");
        assert_eq!(told, Some(outcome.into()), "{self:?}");
        views::is_node(&node);
        node
    }

    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.of(status);
        assert_eq!(problem["code"], code, "{}: {}", self.asked, self.text);
        problem
    }

    /// Where the errors of an invalid request are: JSON pointers, and `?` before the name of a
    /// query parameter.
    #[track_caller]
    pub(crate) fn invalid_at(&self) -> Vec<String> {
        let problem = self.problem(400, "invalid-request");
        let place = |error: &Value| match (&error["pointer"], &error["parameter"]) {
            (Value::String(pointer), Value::Null) => pointer.clone(),
            (Value::Null, Value::String(parameter)) => format!("?{parameter}"),
            _ => panic!("an error has one place: {error}"),
        };
        problem["errors"].as_array().unwrap().iter().map(place).collect()
    }

    /// What API Gateway itself must have said.
    #[track_caller]
    pub(crate) fn refused_at_the_gate(&self, status: u16) {
        let said = self.of(status);
        assert!(said["message"].is_string() && said.get("code").is_none(), "{said}");
    }
}
