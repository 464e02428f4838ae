//! Calls of a function's process, and what they take.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::body::Bytes;
use muster_local::engine::TABLE;
use serde_json::Value;

use super::bill::{Http, Taken};
use super::calls::Call;
use super::event::route;
use super::prices::Prices;
use super::table::{Consumed, Table};
use super::template::Template;
use crate::Error;
use crate::figures::Figures;
use crate::function::Function;
use crate::scene;

/// What API Gateway says before the headers that a function gives.
const HEAD: &str = "HTTP/1.1 200 OK\r\ndate: Tue, 01 Jan 2030 00:00:00 GMT\r\ncontent-length: 1000\r\n\
                    connection: keep-alive\r\napigw-requestid: JKJaXmPLliAEJQw=\r\n\r\n";

/// A function's log, in a file as long as it is measured.
struct LogFile(PathBuf);

impl Drop for LogFile {
    fn drop(&mut self) {
        // Nothing rests on its being gone.
        let _ = fs::remove_file(&self.0);
    }
}

impl LogFile {
    fn create() -> Result<(Self, Stdio), Error> {
        let path = std::env::temp_dir().join(format!("muster-cost-{}.log", std::process::id()));
        let failed = |error| Error::System("no file for the function's log", error);
        let file = File::create(&path).map_err(failed)?;
        Ok((Self(path), file.into()))
    }

    fn read(&self) -> Result<String, Error> {
        fs::read_to_string(&self.0).map_err(|error| Error::System("the function's log", error))
    }
}

/// Lets a process of `program` answer the call's events, and says what one of them takes. The first
/// one warms it up.
pub async fn measure(
    program: &Path,
    call: &Call,
    table: &Table,
    prices: &Prices,
    template: &Template,
) -> Result<Taken, Error> {
    let environment = [
        ("_HANDLER", call.function.to_owned()),
        ("TABLE_NAME", TABLE.to_owned()),
        ("ISSUER", "https://id.example.com".to_owned()),
        ("CLIENT_ID", "muster".to_owned()),
        ("AWS_ENDPOINT_URL", table.url().to_owned()),
        ("STACK_NAME", "muster".to_owned()),
    ];
    let (log, stdout) = LogFile::create()?;
    let mut function = Function::start_logging(program, &environment, None, stdout).await?;
    function.initialised().await?;
    let mut events = call.events.iter();
    let first = events.next().ok_or_else(|| Error::scene(format!("{}: no event", call.name)))?;
    answer(&mut function, call, first.clone()).await?;
    table.consumed();
    let logged = log.read()?.len();
    let mut cpu_so_far = function.cpu()?;
    let mut cpu = Figures::default();
    let mut answers = 0;
    let mut answer_bytes = 0;
    let mut waited = Figures::default();
    let mut all = Consumed::default();
    for event in events {
        answer_bytes += bytes(&answer(&mut function, call, event.clone()).await?);
        answers += 1;
        let now = function.cpu()?;
        cpu.push(now.saturating_sub(cpu_so_far));
        cpu_so_far = now;
        let one = table.consumed();
        waited.push(one.waited);
        all.calls += one.calls;
        all.read_units += one.read_units;
        all.write_units += one.write_units;
    }
    let text = log.read()?;
    function.stop().await?;
    let text = text.get(logged..).unwrap_or_default();
    let each = |sum: usize| f64::from(u32::try_from(sum).unwrap_or(u32::MAX)) / f64::from(answers);
    let overhead = prices.assumptions.log_event_overhead.value;
    let http = call.endpoint().map(|endpoint| {
        let line = template.access_log_line(&route(endpoint), call.status);
        let line = u32::try_from(line.len()).unwrap_or(u32::MAX);
        Http { access_log_bytes: f64::from(line) + overhead, answer_bytes: each(answer_bytes) }
    });
    Ok(Taken {
        table: Consumed {
            calls: all.calls / answers,
            read_units: all.read_units / f64::from(answers),
            write_units: all.write_units / f64::from(answers),
            waited: waited.median(),
        },
        cpu: cpu.median(),
        // An event is its text without the newline.
        log_bytes: each(text.len()) + each(text.lines().count()) * (overhead - 1.0),
        http,
    })
}

async fn answer(function: &mut Function, call: &Call, event: Bytes) -> Result<Bytes, Error> {
    let answer = function.invoke(event).await?.answer;
    if call.endpoint().is_some() {
        scene::expect(&answer, call.status)?;
    }
    Ok(answer)
}

/// Bytes of an answer as API Gateway sends it, over HTTP/1.1.
fn bytes(answer: &[u8]) -> usize {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let headers = answer.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers =
        headers.map(|(name, value)| name.len() + value.as_str().unwrap_or_default().len() + 4);
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    HEAD.len() + headers.sum::<usize>() + body.len()
}
