//! The command as a machine runs it: against the whole service in this process, and against what is no
//! control plane.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets what it did not expect has to fail"
)]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Machine, Ran, Service};

const SAMPLE: &str = include_str!("../../domain/src/plaintext.sample");

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_joins_and_says_so_again() {
    let (service, machine) = (Service::start().await, Machine::new());
    let token = service.token().await;
    service.up(&machine, &token, "web-1").connected("web-1");
    machine.runs(&["up"]).connected("web-1");
    service.up(&machine, &token, "web-1").connected("web-1");
    assert_eq!((service.uses(&token).await, service.hostnames().await), (1, vec!["web-1".into()]));
    let status = machine.runs(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.said).unwrap();
    assert_eq!((&status["hostname"], &status["status"]), (&"web-1".into(), &"online".into()));
    let kept = fs::read_to_string(machine.state()).unwrap();
    assert!(!kept.contains("enrt_"), "the token is not kept");
    let mode = fs::metadata(machine.state()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_may_come_from_the_environment_and_from_standard_input() {
    let service = Service::start().await;
    let (token, control) = (service.token().await, service.system.url());
    let machine = Machine::new();
    let mut command = machine.command(&["up", "--hostname", "web-1"]);
    command.env("MUSTER_TOKEN", token.expose().as_str()).env("MUSTER_URL", control);
    Ran::of(command.output().unwrap()).connected("web-1");

    let machine = Machine::new();
    let arguments = ["up", "--control", control, "--token", "-", "--hostname", "web-2"];
    let mut child = machine.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", token.expose().as_str()).unwrap();
    Ran::of(child.wait_with_output().unwrap()).connected("web-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_one_machine() {
    let (service, machine) = (Service::start().await, Machine::new());
    let token = service.token().await;
    let (control, plaintext) = (service.system.url(), token.expose());
    let arguments = ["up", "--control", control, "--token", &plaintext, "--hostname", "web-1"];
    let children: Vec<_> = (0..4).map(|_| machine.command(&arguments).spawn().unwrap()).collect();
    for child in children {
        Ran::of(child.wait_with_output().unwrap()).connected("web-1");
    }
    assert_eq!(service.uses(&token).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostname_that_another_has_is_told_with_what_to_do() {
    let service = Service::start().await;
    let token = service.token().await;
    service.up(&Machine::new(), &token, "web-1").connected("web-1");
    let second = Machine::new();
    let refused = service.up(&second, &token, "web-1");
    refused.failed(3, "--hostname");
    refused.failed(3, "has it since 20");
    service.up(&second, &token, "web-2").connected("web-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_removed_is_told_so_and_joins_again() {
    let (service, machine) = (Service::start().await, Machine::new());
    let token = service.token().await;
    machine.runs(&["status"]).failed(5, "has not joined");
    service.up(&machine, &token, "web-1").connected("web-1");
    service.removes("web-1").await;
    for command in ["status", "up", "agent"] {
        machine.runs(&[command]).failed(5, "was removed from its team");
    }
    service.up(&machine, &token, "web-1").connected("web-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_registers_again_stays_the_node_that_it_is() {
    let (service, machine) = (Service::start().await, Machine::new());
    let token = service.token().await;
    service.up(&machine, &token, "web-1").connected("web-1");
    let plaintext = token.expose();
    let as_of = |group| {
        let up =
            ["up", "--control", service.url(), "--token", plaintext.as_str(), "--group", group];
        machine.runs(&up)
    };
    as_of("db").connected("web-1");
    assert_eq!((service.uses(&token).await, service.hostnames().await), (1, vec!["web-1".into()]));
    // The line of every boot goes on although nobody comes in by it any more.
    service.revokes(&token).await;
    as_of("db").connected("web-1");
    as_of("web").failed(3, "token-revoked");
    service.removes("web-1").await;
    let another = service.token().await.expose();
    machine.runs(&["up", "--token", &another]).connected("web-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_not_taken_from_one_control_plane_to_another_by_the_way() {
    let (here, there) = (Service::start().await, Service::start().await);
    let machine = Machine::new();
    here.up(&machine, &here.token().await, "web-1").connected("web-1");
    there.up(&machine, &there.token().await, "web-1").failed(2, "`muster leave` first");
    machine.runs(&["up"]).connected("web-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_leaves_and_has_left() {
    let (service, machine) = (Service::start().await, Machine::new());
    service.up(&machine, &service.token().await, "web-1").connected("web-1");
    assert_eq!(machine.runs(&["leave"]).code, Some(0));
    assert!(service.hostnames().await.is_empty());
    machine.runs(&["leave"]).failed(5, "has not joined");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_others_may_read_or_that_is_torn_is_not_used() {
    let (service, machine) = (Service::start().await, Machine::new());
    service.up(&machine, &service.token().await, "web-1").connected("web-1");
    fs::set_permissions(machine.state(), fs::Permissions::from_mode(0o644)).unwrap();
    machine.runs(&["status"]).failed(6, "chmod 600");
    fs::set_permissions(machine.state(), fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read_to_string(machine.state()).unwrap();
    fs::write(machine.state(), whole.split_at(whole.len() / 2).0).unwrap();
    machine.runs(&["status"]).failed(6, "move it away");
}

#[test]
fn what_is_given_wrong_is_told_before_anything_is_sent() {
    let machine = Machine::new();
    let token = SAMPLE.trim();
    let typo = token.replace("aaaqe", "aabqe");
    let here = "http://127.0.0.1:1";
    for (control, token, why) in [
        (here, typo.as_str(), "look at character 8"),
        (here, "enrt_abc", "has 3 characters after enrt_"),
        ("http://muster.example.com", token, "must begin with https://"),
        ("muster.example.com", token, "must be a URL"),
    ] {
        let ran = machine.runs(&["up", "--control", control, "--token", token]);
        ran.failed(2, why);
        assert!(!ran.complained.contains(&token[5..]), "nothing of the token is repeated");
    }
    machine.runs(&["up", "--token", token]).failed(2, "--control");
    assert!(!machine.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_a_service_of_the_machine_until_it_is_taken_down() {
    let (service, machine) = (Service::start().await, Machine::new());
    let (bin, units) = (machine.path().join("bin"), machine.path().join("units"));
    fs::create_dir(&bin).unwrap();
    let said = machine.path().join("said");
    let stand_in = format!("#!/bin/sh\necho \"$@\" >>{}\n", said.display());
    let mut file =
        fs::File::options().write(true).create_new(true).mode(0o755).open(bin.join("systemctl"));
    file.as_mut().unwrap().write_all(stand_in.as_bytes()).unwrap();
    drop(file);
    let token = service.token().await.expose();
    let units = units.to_str().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = machine.command(arguments);
        Ran::of(command.env("PATH", &bin).env("MUSTER_TOKEN", token.as_str()).output().unwrap())
    };
    let up =
        ["up", "--control", service.url(), "--hostname", "web-1", "--daemon", "--unit-dir", units];
    for _ in 0..2 {
        run(&up).connected("web-1");
    }
    let unit = fs::read_to_string(format!("{units}/muster-agent.service")).unwrap();
    let started = format!("ExecStart={} --state-dir", env!("CARGO_BIN_EXE_muster"));
    assert!(unit.contains(&started) && !unit.contains('{') && !unit.contains("enrt_"), "{unit}");
    let told = fs::read_to_string(&said).unwrap();
    assert!(told.contains("enable muster-agent.service") && told.contains("restart"), "{told}");
    run(&["down", "--unit-dir", units]).went_well();
    assert!(fs::read_to_string(&said).unwrap().contains("disable --now muster-agent.service"));
    assert!(!fs::exists(format!("{units}/muster-agent.service")).unwrap());
    run(&["down", "--unit-dir", units]).went_well();
    machine.runs(&["up"]).connected("web-1");
    // Somebody's own is left alone.
    fs::write(format!("{units}/muster-agent.service"), "[Unit]\n").unwrap();
    run(&up).failed(6, "has not written it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_user_has_no_home_joins_all_the_same() {
    let (service, machine) = (Service::start().await, Machine::new());
    let token = service.token().await.expose();
    let up = ["up", "--control", service.url(), "--token", &token, "--hostname", "web-1"];
    let mut command = machine.command(&up);
    // Root's service would be the system's.
    if fs::metadata(machine.path()).unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534);
        fs::set_permissions(machine.path(), fs::Permissions::from_mode(0o777)).unwrap();
    }
    Ran::of(command.output().unwrap()).connected("web-1");
}

/// Answers every request with this, and hangs up.
fn a_stranger(answer: impl Into<Vec<u8>>) -> String {
    a_counting_stranger(answer).0
}

/// The same, and how often it was asked.
fn a_counting_stranger(answer: impl Into<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.into();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(&answer);
        }
    });
    (url, asked)
}

fn http(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn up_at(control: &str) -> Ran {
    up_within(control, "1")
}

fn up_within(control: &str, seconds: &str) -> Ran {
    let token = SAMPLE.trim();
    Machine::new().runs(&[
        "up",
        "--control",
        control,
        "--token",
        token,
        "--hostname",
        "web-1",
        "--timeout",
        seconds,
    ])
}

#[test]
fn what_is_no_control_plane_is_told_as_such() {
    let huge = "x".repeat(5 * 1024 * 1024);
    for (answer, why) in [
        (http("200 OK", "<html>"), "no JSON"),
        (http("200 OK", "{}"), "not what was asked for"),
        (http("200 OK", &huge), "too large"),
        (http("404 Not Found", "nothing"), "404"),
        (http("302 Found\r\nLocation: http://example.com/", ""), "leads elsewhere"),
    ] {
        up_at(&a_stranger(answer)).failed(4, why);
    }
}

#[test]
fn what_does_not_answer_is_tried_again_and_then_given_up() {
    up_at("http://127.0.0.1:1").failed(4, "does not answer");
    let (busy, asked) = a_counting_stranger(http("503 Service Unavailable", "{}"));
    up_within(&busy, "5").failed(4, "503");
    assert!(asked.load(Ordering::SeqCst) > 1, "it is tried again");
    let (broken, asked) = a_counting_stranger(http("500 Internal Server Error", "{}"));
    up_within(&broken, "60").failed(4, "500");
    assert_eq!(asked.load(Ordering::SeqCst), 3, "a fault is not met for ever");
}

#[test]
fn what_is_refused_is_not_tried_again() {
    let problem = r#"{"code":"token-revoked","detail":"Ask for another token."}"#;
    let (refuses, asked) = a_counting_stranger(http("403 Forbidden", problem));
    up_within(&refuses, "60").failed(3, "Ask for another token. (token-revoked)");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn what_others_say_does_nothing_to_the_terminal() {
    let problem = "{\"code\":\"x\",\"detail\":\"\\u001b[2J\\u202eoops\"}";
    let ran = up_at(&a_stranger(http("403 Forbidden", problem)));
    ran.failed(3, "\u{fffd}[2J\u{fffd}oops (x)");
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let problem = r#"{"code":"invalid-proof","detail":"Make a new proof."}"#;
    let past = "401 Unauthorized\r\nDate: Tue, 01 Jan 2019 12:00:00 GMT";
    up_at(&a_stranger(http(past, problem))).failed(6, "days ahead of the control plane's");
}
