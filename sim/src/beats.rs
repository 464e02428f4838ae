//! `muster-sim agents`: what the heartbeats of many devices take.

use std::error::Error;

use muster_sim::agents::{AGENTS, INTERVAL, WATCHED, Watched, watch};
use muster_tests::page::write_part;

use crate::terminal::say;

const PAGE: &str = "docs/PERFORMANCE.md";
const SEED: u64 = 1;

/// Watches agents, and tells whether every heartbeat was heard. With `write` it goes into the
/// documentation.
pub(crate) fn beats(write: bool) -> Result<bool, Box<dyn Error>> {
    let watched = watch(SEED)?;
    let wait = |percent| watched.wait(percent).as_secs_f64() * 1e3;
    let Watched { heartbeats, heard, requests, most_at_once, used, online, .. } = watched;
    let beats = f64::from(u32::try_from(heartbeats)?.max(1));
    let text = format!(
        "| {AGENTS} agents, every {} min, for {} min | |\n| --- | --- |\n\
         | heartbeats, of these heard | {heartbeats}, {heard} |\n\
         | requests for each | {:.2} |\n\
         | ms until heard, p50 / p99 / longest | {:.0} / {:.0} / {:.0} |\n\
         | most requests in one second | {most_at_once} |\n\
         | write units for each, tries that came to nothing included | {:.2} |\n\
         | read units | {:.0} |\n\
         | online in the end | {online} |\n",
        INTERVAL.as_secs() / 60,
        WATCHED.as_secs() / 60,
        f64::from(u32::try_from(requests)?) / beats,
        wait(50),
        wait(99),
        wait(100),
        used.writes / beats,
        used.reads,
    );
    say!("{text}");
    if write {
        write_part(PAGE, "make bench-agents", &text)?;
    }
    Ok(heard == heartbeats && online == AGENTS)
}
