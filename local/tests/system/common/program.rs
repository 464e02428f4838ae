//! The program, as `make run` starts it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::api::Api;
use super::directory::Directory;

const PATIENCE: Duration = Duration::from_mins(1);

/// The program, not yet started, with its data in `directory` and its log beside it.
pub fn command(directory: &Directory) -> Command {
    let log = File::options().create(true).append(true).open(log_of(directory)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-local"));
    command.env("DATA_DIR", directory.data()).env("PORT", "0").stderr(log);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn log_of(directory: &Directory) -> PathBuf {
    directory.path().join("stderr")
}

/// The program, running.
pub struct Program {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    told: String,
}

impl Program {
    pub fn start(directory: &Directory) -> Self {
        let mut child = command(directory).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        // What it tells ends with an empty line after the first few.
        while !told.ends_with("nodes\"; echo\n\n") {
            let read = stdout.read_line(&mut told).unwrap();
            assert_ne!(read, 0, "it does not start: {}", read_log(&log_of(directory)));
        }
        thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        let address = told.split_once("http://").unwrap().1;
        let address = address.split_once(',').unwrap().0.parse().unwrap();
        Self { child, address, log: log_of(directory), told }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API, as somebody uses it.
    pub fn api(&self, email: &str) -> Api {
        Api::new(self.address, email)
    }

    /// What it has told on stdout.
    pub fn told(&self) -> &str {
        &self.told
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        read_log(&self.log)
    }

    /// Kills it so that it notices nothing (`kill -9`).
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as `INT`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub fn wait(mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Program {
    #[expect(clippy::print_stderr, reason = "a test has failed, and somebody asks why")]
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(20)..].join("\n");
            eprintln!(
                "its end, if it has: {:?}; the end of its log:\n{last}",
                self.child.try_wait()
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end: its status and what it wrote on stderr.
pub fn run(mut command: Command) -> (ExitStatus, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let status = wait(&mut child);
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    (status, told)
}

fn wait(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

fn read_log(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
