//! What was acknowledged is there after any end of the process.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::common::api::{Made, eventually, registration};
use super::common::directory::Directory;
use super::common::program::{Program, command};
use serde_json::json;

/// Registers machines from several threads until nobody answers any more; tells which of them were
/// told that they are in.
fn storm(program: &Program, token: &Made, until: usize) -> thread::JoinHandle<Vec<String>> {
    let address = program.address();
    let token = token.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let (reached, wait) = std::sync::mpsc::channel();
    let storm = thread::spawn(move || {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (token, count, reached) = (token.clone(), Arc::clone(&count), reached.clone());
                thread::spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let host = format!("host-{thread}-{number}");
                        let Ok(answer) = registration(&token, &host).try_send(address) else {
                            break;
                        };
                        if answer.status == 403 {
                            answer.is_problem(403, "token-exhausted");
                            break;
                        }
                        assert_eq!(answer.status, 201, "{}", answer.text());
                        acknowledged.push(host);
                        if count.fetch_add(1, Ordering::SeqCst) == until {
                            reached.send(()).unwrap();
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    wait.recv().unwrap();
    storm
}

fn nothing_is_lost(end: impl Fn(Program), max_uses: u32) {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    let team = alice.team();
    let token = alice.token(&team, &json!({ "max_uses": max_uses }));
    let storm = storm(&program, &token, 100);
    end(program);
    let acknowledged = storm.join().unwrap();
    assert!(acknowledged.len() >= 100);

    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    let nodes = alice.nodes(&team);
    let there: HashSet<_> = nodes.iter().map(|node| node["hostname"].as_str().unwrap()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|host| !there.contains(host.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(alice.use_count(&team, &token), u64::try_from(nodes.len()).unwrap());

    // Nor does it cost another use to come again.
    let again = registration(&token, &acknowledged[0]).send(program.address());
    again.of(200);
    assert_eq!(alice.use_count(&team, &token), u64::try_from(nodes.len()).unwrap());
}

#[test]
fn kill_9_in_the_middle_of_a_storm_loses_nothing_that_was_acknowledged() {
    nothing_is_lost(Program::kill, 100_000);
}

#[test]
fn kill_9_loses_nothing_of_a_token_with_one_gate_either() {
    nothing_is_lost(Program::kill, 128);
}

#[test]
fn ctrl_c_in_the_middle_of_a_storm_loses_nothing_and_ends_well() {
    let end = |signal: &'static str| {
        move |program: Program| {
            program.signal(signal);
            assert!(program.wait().success());
        }
    };
    nothing_is_lost(end("INT"), 100_000);
    nothing_is_lost(end("TERM"), 100_000);
}

/// A request of which only a part is sent, and the rest of it.
fn half_a_request(program: &Program) -> (TcpStream, String) {
    let jwt = program.api("alice@example.com").jwt;
    let (begun, rest) = (r#"{"name": "#, r#""Example"}"#);
    let mut stream = TcpStream::connect(program.address()).unwrap();
    let length = begun.len() + rest.len();
    write!(
        stream,
        "POST /api/teams HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {jwt}\r\n\
         expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    )
    .unwrap();
    // That is what it says once it waits for the body.
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(begun.as_bytes()).unwrap();
    (stream, rest.to_owned())
}

/// Sends a signal and waits until it has been noticed.
fn stop(program: &Program, signal: &str) {
    program.signal(signal);
    eventually(|| TcpStream::connect(program.address()).is_err().then_some(()));
}

#[test]
fn a_request_that_is_under_way_at_ctrl_c_is_finished() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let (mut stream, rest) = half_a_request(&program);
    stop(&program, "INT");
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(program.wait().success());
    let program = Program::start(&directory);
    let teams = program.api("alice@example.com").get("/api/teams").of(200);
    assert_eq!(teams["teams"].as_array().unwrap().len(), 1);
}

#[test]
fn nobody_waits_for_a_request_that_never_ends() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let _unfinished = half_a_request(&program);
    let began = Instant::now();
    stop(&program, "INT");
    program.signal("INT");
    assert!(program.wait().success());
    assert!(began.elapsed() < Duration::from_secs(5), "the second Ctrl-C has not ended it");

    let program = Program::start(&directory);
    let _unfinished = half_a_request(&program);
    program.signal("TERM");
    assert!(program.wait().success());
}

#[test]
fn a_removal_is_finished_after_a_kill_between_it_and_the_cascade() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let (alice, bob) = (program.api("alice@example.com"), program.api("bob@example.com"));
    let team = alice.team();
    let first = alice.add(&team, "bob@example.com", "admin");
    let kept = alice.token(&team, &json!({}));
    registration(&kept, "alices").send(program.address()).of(201);
    let wide = bob.token(&team, &json!({ "max_uses": 1000 }));
    let narrow = bob.token(&team, &json!({ "max_uses": 50 }));
    for number in 0..20 {
        for (token, name) in [(&wide, "wide"), (&narrow, "narrow")] {
            registration(token, &format!("{name}-{number}")).send(program.address()).of(201);
        }
    }
    let removal = alice.delete(&format!("/api/teams/{team}/members/bob%40example.com")).of(202);
    program.kill();
    assert_eq!(removal["state"], "running");

    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    let removal = alice.await_removal(&team);
    assert_eq!(removal["membership_id"], first.as_str());
    assert_eq!((&removal["tokens_revoked"], &removal["nodes_removed"]), (&json!(2), &json!(40)));
    let nodes = alice.nodes(&team);
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    for token in alice.tokens(&team) {
        let status = if token["id"] == kept.id.as_str() { "active" } else { "revoked" };
        assert_eq!(token["status"], status, "{token}");
    }
    registration(&wide, "late").send(program.address()).is_problem(403, "token-revoked");
}

#[test]
fn a_first_start_that_was_cut_short_anywhere_does_no_harm() {
    for milliseconds in (0..64).step_by(4) {
        let directory = Directory::new();
        let mut child = command(&directory).spawn().unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let program = Program::start(&directory);
        assert!(program.api("alice@example.com").team().starts_with("team_"));
    }
}

#[test]
fn what_was_handed_out_before_a_restart_holds_after_it() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let port = program.address().port();
    let alice = program.api("alice@example.com");
    let team = alice.team();
    program.signal("INT");
    assert!(program.wait().success());

    let mut again = command(&directory);
    let mut child = again.env("PORT", port.to_string()).spawn().unwrap();
    let teams = eventually(|| alice.request("GET", "/api/teams").try_send(alice.address).ok());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(teams.of(200)["teams"][0]["id"], team.as_str());
}
