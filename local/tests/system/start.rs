//! A start: what it makes, what it tells, and what it says when it can't be.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::directory::Directory;
use super::common::program::{Program, command, run};
use serde_json::Value;

#[track_caller]
fn says(command: Command, parts: &[&str]) {
    let (status, told) = run(command);
    assert_eq!(status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("muster-local: "), "{told}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is not in {told:?}");
    }
}

#[test]
fn a_port_that_is_in_use_is_told_with_the_way_out() {
    let directory = Directory::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = command(&directory);
    command.env("PORT", &port);
    says(command, &[&port, "in use", "PORT=8001"]);
}

#[test]
fn what_is_no_port_is_told_as_it_was_given() {
    for port in ["abc", "65536", "-1", "8000 ", "0x50", "1.5"] {
        let directory = Directory::new();
        let mut command = command(&directory);
        command.env("PORT", port);
        says(command, &[&format!("{port:?}"), "65535"]);
        assert!(!directory.data().exists());
    }
}

#[test]
fn two_systems_do_not_share_a_data_directory() {
    let directory = Directory::new();
    let first = Program::start(&directory);
    says(command(&directory), &["another muster-local uses", "DATA_DIR"]);
    first.api("alice@example.com").team();
    first.kill();
    Program::start(&directory);
}

#[test]
fn a_data_directory_that_can_not_be_is_told() {
    let directory = Directory::new();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.join("below"), file, Path::new("/proc/muster").to_owned()] {
        let mut command = command(&directory);
        command.env("DATA_DIR", &path);
        says(command, &[&*path.to_string_lossy(), "DATA_DIR"]);
    }
}

#[test]
fn a_broken_database_and_a_broken_key_are_told_by_their_names() {
    let directory = Directory::new();
    Program::start(&directory).kill();
    let data = directory.data();

    let key = std::fs::read(data.join("issuer-key.pem")).unwrap();
    for broken in [&b"-----BEGIN PRIVATE KEY-----"[..], b"", b"\xff"] {
        std::fs::write(data.join("issuer-key.pem"), broken).unwrap();
        says(command(&directory), &["issuer-key.pem", "remove it"]);
    }
    std::fs::write(data.join("issuer-key.pem"), key).unwrap();

    for journal in ["muster.db-wal", "muster.db-shm"] {
        let _ = std::fs::remove_file(data.join(journal));
    }
    std::fs::write(data.join("muster.db"), "no database at all, ".repeat(500)).unwrap();
    says(command(&directory), &["muster.db", "move it away"]);
    std::fs::remove_file(data.join("muster.db")).unwrap();
    std::fs::create_dir(data.join("muster.db")).unwrap();
    says(command(&directory), &["muster.db", "move it away"]);
}

#[test]
fn only_its_owner_sees_what_lies_in_the_data_directory() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    program.api("alice@example.com").team();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.data()), 0o700);
    assert_eq!(mode(&directory.data().join("issuer-key.pem")), 0o600);
}

#[test]
fn data_is_in_a_directory_of_the_current_one_if_nobody_says_otherwise() {
    let directory = Directory::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = command(&directory);
    command.env("PORT", taken.local_addr().unwrap().port().to_string());
    command.env_remove("DATA_DIR").current_dir(directory.path());
    says(command, &["in use"]);
    assert!(directory.path().join(".muster").is_dir());
}

#[test]
fn what_a_start_tells_to_paste_works_when_it_is_pasted() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let told = program.told();
    let lines: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(lines.len() >= 8, "{told}");
    let script = lines.join("\n");
    let mut shell = Command::new("sh");
    let pasted = shell.args(["-eu", "-c", &script]).stderr(Stdio::inherit()).output().unwrap();
    let shown = String::from_utf8(pasted.stdout).unwrap();
    let [node, list]: [Value; 2] = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(list["nodes"][0]["id"], node["id"]);
    assert_eq!(list["nodes"].as_array().unwrap().len(), 1);
}

#[test]
fn nobody_has_to_read_what_a_start_tells() {
    let directory = Directory::new();
    let mut command = command(&directory);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}
