//! The log: one JSON line a request.

use super::common::api::registration;
use super::common::directory::Directory;
use super::common::http::{Answer, Request};
use super::common::program::Program;
use serde_json::{Value, json};

/// The lines that the log has of one request.
fn lines(program: &Program, answer: &Answer) -> Vec<Value> {
    let id = answer.header("apigw-requestid").unwrap();
    let log = program.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["request_id"] == id).collect()
}

#[track_caller]
fn the_line(program: &Program, answer: &Answer) -> Value {
    let lines = lines(program, answer);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

#[test]
fn a_request_is_one_line_with_what_it_was_about_and_what_it_cost() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    let team = alice.team();
    let token = alice.token(&team, &json!({ "max_uses": 1 }));

    let answer = registration(&token, "web-1").send(program.address());
    let line = the_line(&program, &answer);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "request");
    assert_eq!(line["route"], "POST /api/register-node");
    assert_eq!(line["team"], team.as_str());
    assert_eq!(line["token"], token.id.as_str());
    assert_eq!((&line["status"], &line["outcome"]), (&json!(201), &json!("created")));
    assert_eq!((&line["ReadUnits"], &line["WriteUnits"]), (&json!(3.0), &json!(4.0)));
    assert_eq!(line["Enrollments"], 1);
    assert_eq!(line.get("_aws"), None, "metrics are for CloudWatch");
    assert!(line["ms"].is_u64());
    assert!(line["timestamp"].is_string());

    let refused = registration(&token, "web-2").send(program.address());
    let line = the_line(&program, &refused);
    assert_eq!((&line["status"], &line["outcome"]), (&json!(403), &json!("token-exhausted")));

    // A condition that does not hold is nobody's business but the request's.
    let bob = json!({ "email": "bob@example.com", "role": "member" });
    let members = format!("/api/teams/{team}/members");
    alice.post(&members, &bob).of(201);
    alice.post(&members, &bob).is_problem(409, "already-member");
    for line in program.log().lines() {
        assert!(line.contains("\"request_id\""), "{line}");
    }

    let list = alice.get(&format!("/api/teams/{team}/nodes"));
    let line = the_line(&program, &list);
    assert_eq!(line["route"], "GET /api/teams/{team_id}/nodes");
    assert_eq!(line.get("token"), None);
}

#[test]
fn what_reaches_no_function_is_one_line_too() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    for (path, status) in [("/api/teams", 401), ("/api/nowhere?secret=1", 404)] {
        let answer = Request::new("GET", path).send(program.address());
        let line = the_line(&program, &answer);
        assert_eq!(line["status"], status);
        assert!(!line.to_string().contains("secret"));
    }
}

#[test]
fn nothing_but_json_lines_is_logged_not_even_while_nothing_happens() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    let team = alice.team();
    alice.add(&team, "bob@example.com", "member");
    alice.delete(&format!("/api/teams/{team}/members/bob%40example.com")).of(202);
    alice.await_removal(&team);
    let before = program.log();
    std::thread::sleep(std::time::Duration::from_secs(7));
    let after = program.log();
    assert!(after.lines().count() - before.lines().count() <= 1, "{after}");
    for line in after.lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap().is_object(), "{line}");
    }
}
