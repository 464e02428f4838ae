//! The agent as a service of this machine: of systemd on Linux, of launchd on macOS.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::failure::Failure;
use crate::home::Home;
use crate::terminal::complain;

/// What systemd is told. The agent keeps its user, and so can read the key; it writes nothing but its own
/// directory.
const UNIT: &str = include_str!("service/muster-agent.service");
/// What every description has that this command has written.
const MARK: &str = "Written by `muster up --daemon`";
/// What only the system's own systemd can do.
const HARDENING: &str = include_str!("service/hardening.service");
const PROPERTY_LIST: &str = include_str!("service/muster-agent.plist");

/// Where services are described.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// Where the service is described; where systemd or launchd looks for it if left out.
    #[arg(long, value_name = "DIRECTORY", hide_short_help = true)]
    unit_dir: Option<PathBuf>,
}

/// What runs services.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Systemd { of_user: bool },
    Launchd { of_user: bool },
}

impl Manager {
    fn of_this_machine() -> Self {
        let of_user = !rustix::process::geteuid().is_root();
        if cfg!(target_os = "macos") {
            Self::Launchd { of_user }
        } else {
            Self::Systemd { of_user }
        }
    }

    /// The file that describes the agent.
    fn file(self, place: &Place) -> Result<PathBuf, Failure> {
        let name = match self {
            Self::Systemd { .. } => "muster-agent.service",
            Self::Launchd { .. } => "net.muster.agent.plist",
        };
        let of_home = |rest: &str| {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
            let home = home.ok_or_else(|| Failure::Usage("there is no HOME".to_owned()))?;
            Ok::<_, Failure>(Path::new(&home).join(rest))
        };
        let directory = match (&place.unit_dir, self) {
            (Some(given), _) => given.clone(),
            (None, Self::Systemd { of_user: false }) => PathBuf::from("/etc/systemd/system"),
            (None, Self::Systemd { of_user: true }) => of_home(".config/systemd/user")?,
            (None, Self::Launchd { of_user: false }) => PathBuf::from("/Library/LaunchDaemons"),
            (None, Self::Launchd { of_user: true }) => of_home("Library/LaunchAgents")?,
        };
        Ok(directory.join(name))
    }

    fn describe(self, program: &str, state: &str) -> String {
        let (target, hardening) = match self {
            Self::Systemd { of_user: false } => ("multi-user.target", HARDENING),
            Self::Systemd { of_user: true } | Self::Launchd { .. } => ("default.target", ""),
        };
        let text = match self {
            Self::Systemd { .. } => UNIT,
            Self::Launchd { .. } => PROPERTY_LIST,
        };
        [
            ("{program}", program),
            ("{state}", state),
            ("{target}", target),
            ("{hardening}", hardening),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn start(self, file: &Path) -> Result<(), Failure> {
        match self {
            Self::Systemd { of_user } => {
                systemctl(of_user, &["daemon-reload"])?;
                systemctl(of_user, &["enable", "muster-agent.service"])?;
                // Also if it runs already: this may be another version.
                systemctl(of_user, &["restart", "muster-agent.service"])
            }
            Self::Launchd { .. } => {
                run("launchctl", &["load".as_ref(), "-w".as_ref(), file.as_os_str()])
            }
        }
    }

    fn stop(self, file: &Path) -> Result<(), Failure> {
        match self {
            Self::Systemd { of_user } => {
                systemctl(of_user, &["disable", "--now", "muster-agent.service"])
            }
            Self::Launchd { .. } => {
                run("launchctl", &["bootout".as_ref(), domain().as_ref(), file.as_os_str()])
            }
        }
    }
}

/// Describes the agent to this machine's service manager, and has it run now and at every start.
pub(crate) fn install(home: &Home, place: &Place) -> Result<(), Failure> {
    let manager = Manager::of_this_machine();
    let file = manager.file(place)?;
    let program = std::env::current_exe();
    let program = program.map_err(|error| Failure::state("/proc/self/exe", &error))?;
    let state = std::path::absolute(home.path());
    let state = state.map_err(|error| Failure::state(home.path(), &error))?;
    let (program, state) = (plain(&program)?, plain(&state)?);
    let is_another_s = |text: String| !text.contains(MARK);
    if std::fs::read_to_string(&file).is_ok_and(is_another_s) {
        let why =
            "it is there, and `muster up --daemon` has not written it: remove it, or go on with it";
        return Err(Failure::state(&file, why));
    }
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(&file, manager.describe(program, state)));
    written.map_err(|error| Failure::state(&file, &error))?;
    manager.start(&file)?;
    complain!("The agent runs as a service: {}", file.display());
    if manager == (Manager::Systemd { of_user: true }) {
        complain!("It runs while you are signed in; `loginctl enable-linger` has it run always.");
    }
    Ok(())
}

/// Ends the agent and removes its description. Tells whether there was one.
pub(crate) fn uninstall(place: &Place) -> Result<bool, Failure> {
    let manager = Manager::of_this_machine();
    let file = manager.file(place)?;
    if !file.exists() {
        return Ok(false);
    }
    manager.stop(&file)?;
    std::fs::remove_file(&file).map_err(|error| Failure::state(&file, &error))?;
    if let Manager::Systemd { of_user } = manager {
        systemctl(of_user, &["daemon-reload"])?;
    }
    Ok(true)
}

/// Starts the agent again, if it is a service: it may have ended, or be that of another node.
pub(crate) fn revive(place: &Place) -> Result<(), Failure> {
    let manager = Manager::of_this_machine();
    // Who has no home has no service of their own.
    match manager.file(place) {
        Ok(file) if file.exists() => manager.start(&file),
        _ => Ok(()),
    }
}

/// Where launchd runs it.
fn domain() -> String {
    let user = rustix::process::geteuid();
    if user.is_root() { "system".to_owned() } else { format!("gui/{}", user.as_raw()) }
}

/// A path that means itself in a unit and a property list.
fn plain(path: &Path) -> Result<&str, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    let text = path.to_str().filter(|text| text.chars().all(is_plain));
    text.ok_or_else(|| {
        let why = "a service can't be given this path: use letters, digits, '.', '_' and '-'";
        Failure::state(path, why)
    })
}

fn systemctl(of_user: bool, arguments: &[&str]) -> Result<(), Failure> {
    let all: Vec<_> =
        of_user.then_some("--user").into_iter().chain(arguments.iter().copied()).collect();
    run("systemctl", &all)
}

fn run(program: &str, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Result<(), Failure> {
    let done = Command::new(program).args(arguments).output();
    let done = done.map_err(|error| {
        let why = format!("{error}: this machine's services can't be managed; run `muster agent`");
        Failure::state(program, &why)
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Failure::state(program, said.trim()))
}
