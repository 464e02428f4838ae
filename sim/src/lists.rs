//! `muster-sim lists`: what lists of small and large teams take, as a table.

use std::error::Error;

use muster_sim::list::{Holdings, Taken, list};

use crate::terminal::say;

const SEED: u64 = 1;
/// What a list of a small team may take.
const ROUND_TRIPS: usize = 2;
const CALLS: usize = 18;
const READ_UNITS: f64 = 20.0;
/// How many times as long a list may take that is fifty times as long.
const TIMES: f64 = 10.0;

const TOKENS: &str = "registration-tokens";
const NODES: &str = "nodes";
const LISTS: [(&str, &str); 4] = [
    ("list", "registration-tokens"),
    ("search", "registration-tokens?q=laptop%2077"),
    ("by use", "registration-tokens?sort=use_count"),
    ("by name", "registration-tokens?sort=name"),
];

/// Asks for every list, and tells whether each took no more than it may.
pub(crate) fn lists() -> Result<bool, Box<dyn Error>> {
    let small = small_teams()?;
    say!();
    let large = large_teams()?;
    Ok(small && large)
}

fn small_teams() -> Result<bool, Box<dyn Error>> {
    say!("A small team: 20 nodes and 5 tokens. Round trips are calls one after the other.");
    say!();
    say!("| tokens | call | round trips | calls | read units | |");
    say!("| --- | --- | --- | --- | --- | --- |");
    let mut all_met = true;
    for (wide, one_use, name) in
        [(5, 0, "without limit"), (2, 3, "2 without limit, 3 of one use"), (0, 25, "25 of one use")]
    {
        let team = Holdings { wide, one_use, nodes: 20, ..Holdings::default() };
        let calls = [("list-tokens", TOKENS), ("list-nodes", NODES)];
        let get = (wide > 0).then_some(("get-token", "registration-tokens/{token}"));
        let calls: Vec<_> = calls.into_iter().chain(get).collect();
        let paths: Vec<_> = calls.iter().map(|(_, path)| *path).collect();
        for ((call, _), taken) in calls.iter().zip(list(team, &paths, SEED)?) {
            let Taken { calls, round_trips, reads, .. } = taken;
            let met = round_trips <= ROUND_TRIPS
                && (!call.starts_with("list") || (calls <= CALLS && reads <= READ_UNITS));
            all_met &= met;
            say!("| {name} | {call} | {round_trips} | {calls} | {reads} | {} |", verdict(met));
        }
    }
    Ok(all_met)
}

fn large_teams() -> Result<bool, Box<dyn Error>> {
    say!("Large teams. CPU is real time of this machine, on a core of its own; calls are virtual.");
    say!();
    say!("| team | call | round trips | calls | read units | calls + CPU, ms | times | |");
    say!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let paths: Vec<_> = LISTS.iter().map(|(_, path)| *path).collect();
    let tokens = |one_use| Holdings { one_use, nodes: one_use / 2, ..Holdings::default() };
    let (few, many) = (list(tokens(100), &paths, SEED)?, list(tokens(5_000), &paths, SEED)?);
    let mut all_met = true;
    for (((call, _), few), many) in LISTS.iter().zip(&few).zip(&many) {
        row("100 tokens", call, few, "1", "");
        let times = many.time().as_secs_f64() / few.time().as_secs_f64();
        all_met &= times <= TIMES;
        row("5,000 tokens", call, many, &format!("{times:.1}"), verdict(times <= TIMES));
    }
    let nodes = |nodes| Holdings { wide: 1, nodes, ..Holdings::default() };
    let paths = [NODES, "nodes?q=machine-77"];
    let (few, many) = (list(nodes(100), &paths, SEED)?, list(nodes(5_000), &paths, SEED)?);
    for ((call, few), many) in ["list", "search"].iter().zip(&few).zip(&many) {
        row("100 nodes", call, few, "1", "");
        let times = many.time().as_secs_f64() / few.time().as_secs_f64();
        row("5,000 nodes", call, many, &format!("{times:.1}"), "");
    }
    for revoked in [0, 100, 500] {
        let team = Holdings { wide: 5, revoked, ..Holdings::default() };
        let team_name = format!("5 wide tokens, {revoked} revoked ones");
        for taken in list(team, &[TOKENS], SEED)? {
            row(&team_name, "list", &taken, "", "");
        }
    }
    Ok(all_met)
}

fn row(team: &str, call: &str, taken: &Taken, times: &str, verdict: &str) {
    let Taken { calls, round_trips, reads, waited, worked } = taken;
    let ms = |time: &std::time::Duration| time.as_secs_f64() * 1e3;
    say!(
        "| {team} | {call} | {round_trips} | {calls} | {reads} | {:.1} + {:.1} | {times} | {verdict} |",
        ms(waited),
        ms(worked)
    );
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
