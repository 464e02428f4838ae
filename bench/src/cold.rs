//! Cold starts: a process, its first event, its second, and its end, over and over.

use std::path::PathBuf;
use std::time::Duration;

use crate::Error;
use crate::figures::Figures;
use crate::function::Function;
use crate::quota::Quota;
use crate::scene::{Scene, expect};

/// Something that is started.
#[derive(Debug, Clone)]
pub struct Contestant {
    /// What it is called in the table.
    pub name: &'static str,
    /// Its binary.
    pub program: PathBuf,
    /// The status of its answers; `None` if they have none.
    pub status: Option<u16>,
}

/// What its starts took. What the engine took meanwhile is not in it.
#[derive(Debug, Default)]
pub struct Starts {
    /// From the start of the process until it asked for an event.
    pub init: Figures,
    /// From the first event handed out to its answer posted.
    pub first: Figures,
    /// The same of the second event.
    pub second: Figures,
    /// Init and first invoke of each start together.
    pub both: Figures,
    /// The most memory that one has had, in bytes.
    pub peak: u64,
}

/// Starts each contestant `runs` times, by turns, so that what else the machine does meets all.
pub async fn starts(
    scene: &Scene,
    contestants: &[Contestant],
    runs: usize,
    quota: Option<Quota>,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Starts>, Error> {
    let mut all: Vec<Starts> = contestants.iter().map(|_| Starts::default()).collect();
    for run in 1..=runs {
        progress(run);
        for (contestant, starts) in contestants.iter().zip(&mut all) {
            start(scene, contestant, quota, starts).await?;
        }
    }
    Ok(all)
}

async fn start(
    scene: &Scene,
    contestant: &Contestant,
    quota: Option<Quota>,
    starts: &mut Starts,
) -> Result<(), Error> {
    let engine = || scene.dynamodb.engine_time();
    engine();
    let mut function = Function::start(&contestant.program, &scene.environment(), quota).await?;
    let init = function.initialised().await?.saturating_sub(engine());
    let mut invoke = async || -> Result<Duration, Error> {
        let invocation = function.invoke(scene.registration()).await?;
        if let Some(status) = contestant.status {
            expect(&invocation.answer, status)?;
        }
        Ok(invocation.took.saturating_sub(engine()))
    };
    let first = invoke().await?;
    let second = invoke().await?;
    starts.init.push(init);
    starts.first.push(first);
    starts.second.push(second);
    starts.both.push(init + first);
    starts.peak = starts.peak.max(function.resident()?.peak);
    function.stop().await
}
