//! What goes wrong in a world, how often, and until when.

use std::time::Duration;

use crate::chance::Chance;

/// Shares of calls, each from 0 to 1, until the weather clears.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// When it clears.
    pub until: Duration,
    /// A call to DynamoDB never gets there.
    pub request_lost: f64,
    /// A call is applied, and its answer never comes.
    pub answer_lost: f64,
    /// A call is answered with `500` and not applied.
    pub server_error: f64,
    /// A call is answered with `500` and applied.
    pub error_though_applied: f64,
    /// A call is throttled.
    pub throttled: f64,
    /// A batch leaves keys unprocessed.
    pub unprocessed: f64,
    /// A transaction is delivered a second time, byte for byte.
    pub delivered_twice: f64,
    /// A transaction's coordinator is lost when some of its items are committed.
    pub coordinator_lost: f64,
    /// The storage node of a node that is put is out of reach when it is told to commit.
    pub out_of_reach: f64,
    /// A call takes many times as long as it should.
    pub slow: f64,
    /// A function dies at one of its await points.
    pub killed: f64,
    /// A function's environment is frozen at one of its await points, and thawed later.
    pub frozen: f64,
    /// A client's request never reaches its function, or the answer never comes back.
    pub client_cut_off: f64,
    /// A client does not wait for an answer, and asks again.
    pub impatient: f64,
    /// A stream's record is handed over a second time.
    pub record_repeated: f64,
    /// The schedule runs twice at once.
    pub schedule_doubled: f64,
    /// Whether records and the schedule come twice at once as often as not, even when the weather has
    /// cleared: they may at any time. And what is lost is found late.
    pub restless: bool,
    /// A sweep's read takes long, even when the weather has cleared.
    pub slow_sweeps: f64,
    /// Partitions that do not answer for a while.
    pub outages: Vec<Outage>,
    /// Functions that draw an id now and then that was drawn before.
    pub short_of_ids: &'static [&'static str],
}

/// A while in which every `of`-th partition does not answer.
#[derive(Debug, Clone)]
pub struct Outage {
    from: Duration,
    until: Duration,
    part: u32,
    of: u32,
}

impl Weather {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self::default()
    }

    /// What happens in one world. Each fault is often absent, so that what only shows without it
    /// shows as well. In a `restless` one the stream and the schedule do much twice, and
    /// transactions stand still half way, mostly seldom.
    pub fn drawn(chance: &Chance, until: Duration, teams: usize, restless: bool) -> Self {
        // Where much else goes wrong, nothing is done early.
        let worst = if restless { [0.0, 0.0, 0.02, 0.25] } else { [0.0, 0.02, 0.1, 0.25] };
        let worst = *chance.pick(&worst).unwrap_or(&0.0);
        // Where nothing else goes wrong, what is slow meets more.
        let sluggish = chance.happens(0.3).then(|| chance.between(0.1, 0.5));
        let halting = if restless {
            // Mostly seldom: a sweep waits for what stands still, and others wait for the sweep.
            Some(chance.between(0.1, 0.5).powi(2))
        } else {
            chance.happens(0.2).then(|| chance.between(0.2, 0.8))
        };
        // Sweeps that take their time meet what appears late; quick ones are done before it does.
        let slow_sweeps = if restless { chance.pick(&[0.0, 0.03]) } else { None };
        let share = |most: f64| {
            if chance.happens(0.4) { chance.between(0.0, most * worst) } else { 0.0 }
        };
        Self {
            until,
            request_lost: share(1.0),
            answer_lost: share(1.0),
            server_error: share(1.0),
            error_though_applied: share(0.7),
            throttled: share(1.0),
            unprocessed: share(2.0),
            delivered_twice: share(1.0),
            coordinator_lost: halting.unwrap_or_else(|| share(1.0)),
            out_of_reach: if restless { 0.2 } else { 0.0 },
            slow: sluggish.unwrap_or_else(|| share(1.0)),
            killed: share(2.0),
            frozen: share(1.0),
            client_cut_off: share(1.0),
            impatient: share(1.0),
            record_repeated: share(2.0),
            schedule_doubled: share(2.0),
            restless,
            slow_sweeps: slow_sweeps.copied().unwrap_or_default(),
            outages: outages(chance, until, worst),
            // Tokens of two teams may have one id, but whoever looks could not tell them apart.
            short_of_ids: match teams {
                1 => &["create-token", "self-enroll"],
                _ => &["create-team"],
            },
        }
    }

    /// Whether a fault strikes that has this share.
    pub fn strikes(&self, chance: &Chance, share: f64, now: Duration) -> bool {
        now < self.until && chance.happens(share)
    }

    /// Whether a partition does not answer.
    pub fn is_down(&self, partition: &str, now: Duration) -> bool {
        self.outages.iter().any(|outage| {
            (outage.from..outage.until).contains(&now)
                && number(partition) % outage.of == outage.part
        })
    }
}

fn outages(chance: &Chance, until: Duration, worst: f64) -> Vec<Outage> {
    let mut outages = Vec::new();
    while worst > 0.05 && outages.len() < 3 && chance.happens(0.3) {
        let from = chance.time(Duration::ZERO, until);
        let lasts = chance.time(Duration::from_millis(200), Duration::from_secs(6));
        let part = u32::try_from(chance.below(4)).unwrap_or(0);
        outages.push(Outage { from, until: (from + lasts).min(until), part, of: 4 });
    }
    outages
}

/// A number for a partition, the same in every run.
fn number(partition: &str) -> u32 {
    partition.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}
