//! `make demo`, on the machine that the test runs on.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use super::common::directory::Directory;
use super::common::program::Program;

fn demo(url: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/demo.sh");
    Command::new(script).env("MUSTER_URL", url).output().unwrap()
}

fn told_by(command: &str, argument: &str) -> String {
    let told = Command::new(command).arg(argument).output().unwrap().stdout;
    String::from_utf8(told).unwrap().trim().to_owned()
}

#[test]
fn the_demo_enters_this_very_machine_once_however_often_it_is_run() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    for _ in 0..2 {
        let output = demo(&format!("http://{}", program.address()));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("HOSTNAME"), "{told}");
        assert!(told.contains("used 1 time"), "{told}");
    }
    let alice = program.api("alice@example.com");
    let teams = alice.get("/api/teams").of(200);
    let [team] = teams["teams"].as_array().unwrap().as_slice() else { panic!("{teams}") };
    let nodes = alice.nodes(team["id"].as_str().unwrap());
    let [node] = nodes.as_slice() else { panic!("{nodes:?}") };
    assert_eq!(node["hostname"], told_by("uname", "-n").to_ascii_lowercase());
    assert_eq!(node["meta"]["kernel"], told_by("uname", "-sr"));
    assert_eq!(node["meta"]["architecture"], told_by("uname", "-m"));
    assert!(node["os"].is_string() && node["meta"]["memory_mib"].is_u64(), "{node}");
    for token in alice.tokens(team["id"].as_str().unwrap()) {
        assert_eq!((&token["use_count"], &token["status"]), (&json!(1), &json!("revoked")));
    }
}

#[test]
fn the_demo_says_in_one_line_that_nobody_is_there() {
    let output = demo("http://127.0.0.1:1");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("make run"), "{told}");
}
