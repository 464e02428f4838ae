//! Machines, and the service that they talk to.

#![allow(dead_code, reason = "no test has need of all of it")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_domain::id::TeamId;
use muster_domain::plaintext::Plaintext;
use muster_domain::principal::Principal;
use muster_domain::token::Policy;
use muster_local::{Config, System};
use muster_shared::store::{NewToken, NodeQuery};
use serde_json::json;
use tempfile::TempDir;

/// A machine with an empty home.
pub(crate) struct Machine(TempDir);

impl Machine {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments).env_clear().env("MUSTER_STATE_DIR", self.0.path().join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn runs(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state/state.json")
    }
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complained: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            said: text(output.stdout),
            complained: text(output.stderr),
        }
    }

    #[track_caller]
    pub(crate) fn connected(&self, hostname: &str) {
        assert_eq!(self.code, Some(0), "{self:?}");
        let lines: Vec<_> = self.said.lines().collect();
        assert_eq!(lines.first(), Some(&"✓ Connected"), "{self:?}");
        assert_eq!(lines.get(1), Some(&format!("Device {hostname}").as_str()), "{self:?}");
        assert!(lines.get(2).is_some_and(|line| line.starts_with("IP 100.")), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn went_well(&self) {
        assert_eq!(self.code, Some(0), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn failed(&self, code: i32, why: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.complained.contains(why), "{self:?}");
        assert!(self.said.is_empty(), "{self:?}");
    }
}

/// The service, with a team in it.
pub(crate) struct Service {
    pub(crate) system: System,
    owner: Principal,
    team: TeamId,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let system = System::start(Config::in_memory()).await.unwrap();
        let owner: Principal = "owner@example.com".parse().unwrap();
        let name = "Example".parse().unwrap();
        let team = system.store().request().create_team(&owner, name).await.unwrap();
        Self { system, owner, team: team.id }
    }

    pub(crate) fn url(&self) -> &str {
        self.system.url()
    }

    /// A machine at which somebody is signed in.
    pub(crate) fn desk_of(&self, email: &str) -> Machine {
        let id_token = self.system.token_for(email).unwrap();
        self.desk_with(&id_token, Duration::from_hours(1))
    }

    /// A machine with a session of this ID token, which holds for so long.
    pub(crate) fn desk_with(&self, id_token: &str, holds: Duration) -> Machine {
        let machine = Machine::new();
        #[expect(clippy::disallowed_methods, reason = "the command has no other clock either")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let session = json!({
            "control": self.url(), "issuer": self.url(), "client_id": "muster",
            "id_token": id_token, "refresh_token": null, "expires_at": (now + holds).as_secs(),
        });
        fs::create_dir(machine.path().join("state")).unwrap();
        let file = machine.path().join("state/session.json");
        let mut file =
            fs::File::options().write(true).create_new(true).mode(0o600).open(file).unwrap();
        file.write_all(session.to_string().as_bytes()).unwrap();
        machine
    }

    pub(crate) async fn token(&self) -> Plaintext {
        let new = NewToken { name: "sample".parse().unwrap(), policy: Policy::default() };
        let store = self.system.store().request();
        store.create_token(self.team, &self.owner, new).await.unwrap().plaintext
    }

    pub(crate) async fn uses(&self, token: &Plaintext) -> u64 {
        let store = self.system.store().request();
        store.get_token(self.team, &self.owner, token.token()).await.unwrap().1.used
    }

    pub(crate) async fn hostnames(&self) -> Vec<String> {
        let (store, all) = (self.system.store().request(), NodeQuery::default());
        let nodes = store.list_nodes(self.team, &self.owner, &all, None, 100).await.unwrap();
        nodes.iter().map(|node| node.hostname.to_string()).collect()
    }

    pub(crate) async fn revokes(&self, token: &Plaintext) {
        let store = self.system.store().request();
        store.revoke_token(self.team, &self.owner, token.token()).await.unwrap();
    }

    pub(crate) async fn removes(&self, hostname: &str) {
        let hostname = hostname.parse().unwrap();
        let store = self.system.store().request();
        store.remove_node(self.team, &self.owner, &hostname).await.unwrap();
    }

    /// `muster up` on a machine.
    pub(crate) fn up(&self, machine: &Machine, token: &Plaintext, hostname: &str) -> Ran {
        let (control, token) = (self.system.url(), token.expose());
        machine.runs(&["up", "--control", control, "--token", &token, "--hostname", hostname])
    }
}
