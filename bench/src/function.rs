//! A function's process, as Lambda starts one.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::process::{Child, Command};

use crate::Error;
use crate::quota::{Quota, Throttle};
use crate::runtime_api::{Did, RuntimeApi};

/// When to give up on a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running function.
#[derive(Debug)]
pub struct Function {
    process: Child,
    api: RuntimeApi,
    started: Instant,
    throttle: Option<Throttle>,
}

/// What became of one event.
#[derive(Debug)]
pub struct Invocation {
    /// From handing the event out to having the answer.
    pub took: Duration,
    /// The answer.
    pub answer: Bytes,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// The most it has had (`VmHWM`).
    pub peak: u64,
    /// What it has (`VmRSS`).
    pub current: u64,
}

impl Function {
    /// Starts `program` with nothing in its environment but what Lambda and the template set.
    pub async fn start(
        program: &Path,
        environment: &[(&str, String)],
        quota: Option<Quota>,
    ) -> Result<Self, Error> {
        Self::start_logging(program, environment, quota, Stdio::null()).await
    }

    /// The same, with its log going to `log`.
    pub async fn start_logging(
        program: &Path,
        environment: &[(&str, String)],
        quota: Option<Quota>,
        log: Stdio,
    ) -> Result<Self, Error> {
        let api = RuntimeApi::start().await?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .env("AWS_SESSION_TOKEN", "bench")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let process =
            command.spawn().map_err(|error| Error::NotStarted(program.to_owned(), error))?;
        let throttle = match (quota, process.id()) {
            (Some(quota), Some(id)) => Some(Throttle::put_on(id, quota)?),
            _ => None,
        };
        Ok(Self { process, api, started, throttle })
    }

    /// How long it took from its start until it asked for its first event.
    pub async fn initialised(&mut self) -> Result<Duration, Error> {
        let (asked, _) = self.until("ask for an event", |did| matches!(did, Did::Ask)).await?;
        Ok(asked.duration_since(self.started))
    }

    /// Hands it an event and waits for the answer.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Invocation, Error> {
        self.api.hand_out(event);
        let (taken, _) = self.until("take an event", |did| matches!(did, Did::Take)).await?;
        let (answered, did) = self.until("answer", |did| matches!(did, Did::Answer(_))).await?;
        let Did::Answer(answer) = did else { return Err(Error::Late("answer", 0)) };
        Ok(Invocation { took: answered.duration_since(taken), answer })
    }

    async fn until(
        &mut self,
        what: &'static str,
        is_it: fn(&Did) -> bool,
    ) -> Result<(Instant, Did), Error> {
        let watch = async {
            loop {
                tokio::select! {
                    biased;
                    done = self.api.next() => match done {
                        Some((_, Did::Fail(report))) => return Err(Error::Failed(report)),
                        Some((when, did)) if is_it(&did) => return Ok((when, did)),
                        Some(_) => {}
                        None => return Err(Error::Failed("its runtime API stopped".to_owned())),
                    },
                    ended = self.process.wait() => {
                        let how = ended.map_or_else(|error| error.to_string(), |s| s.to_string());
                        return Err(Error::Failed(format!("it ended ({how}); see above")));
                    }
                }
            }
        };
        let late = Error::Late(what, PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, watch).await.unwrap_or(Err(late))
    }

    /// The memory it holds.
    pub fn resident(&self) -> Result<Resident, Error> {
        let id = self.process.id().unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))
            .map_err(|error| Error::System("the function's memory (Linux only)", error))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            kilobytes.unwrap_or(0_u64) * 1024
        };
        Ok(Resident { peak: bytes("VmHWM:"), current: bytes("VmRSS:") })
    }

    /// The CPU time that it has taken, all its threads together.
    pub fn cpu(&self) -> Result<Duration, Error> {
        let id = self.process.id().unwrap_or_default();
        let failed = |error| Error::System("the function's CPU time (Linux only)", error);
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{id}/task")).map_err(failed)? {
            let path = thread.map_err(failed)?.path().join("schedstat");
            let figures = std::fs::read_to_string(path).map_err(failed)?;
            let ran = figures.split_whitespace().next().and_then(|ran| ran.parse::<u64>().ok());
            nanoseconds += ran.unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<(), Error> {
        drop(self.throttle.take());
        let ended = self.process.kill().await;
        ended.map_err(|error| Error::System("the function does not end", error))
    }
}
