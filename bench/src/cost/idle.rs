//! What a month costs in which nothing happens.

use super::bill::{Bill, Taken, billed};
use super::prices::{Price, Prices};
use super::template::Template;

/// Minutes of a month of thirty days.
pub const MONTH: f64 = 30.0 * 24.0 * 60.0;

/// One thing that goes on, or stands there, all month.
#[derive(Debug)]
pub struct Standing {
    /// What.
    pub what: &'static str,
    /// How many of it in a month.
    pub amount: f64,
    /// US dollars by the list.
    pub list: f64,
    /// US dollars beyond what is free of charge in every month.
    pub beyond: f64,
}

/// Everything that an idle month costs, but for stored bytes.
pub fn month(round: &Taken, prices: &Prices, template: &Template) -> Vec<Standing> {
    let Prices { prices: list, allowances, .. } = prices;
    let rounds = MONTH / template.schedule_minutes;
    let gb_seconds = billed(round, prices, template).as_secs_f64() * template.memory_mb / 1024.0;
    let standing = |what, price: &Price, amount: f64, free: f64| Standing {
        what,
        amount,
        list: price.of(amount),
        beyond: price.of((amount - free).max(0.0)),
    };
    let logs = rounds * Bill::of(round, prices, template).logs / 1e6;
    let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
    vec![
        standing(
            "rounds of the schedule",
            &list.scheduler_invocation,
            rounds,
            allowances.scheduler_invocation,
        ),
        standing("their invocations", &list.lambda_request, rounds, allowances.lambda_request),
        standing(
            "their GB-seconds",
            &list.lambda_gb_second_arm64,
            rounds * gb_seconds,
            allowances.lambda_gb_second,
        ),
        standing(
            "their read units",
            &list.dynamodb_read_unit,
            rounds * round.table.read_units,
            0.0,
        ),
        Standing {
            what: "their bytes in the log",
            amount: rounds * round.log_bytes,
            list: logs,
            beyond: logs,
        },
        standing(
            "alarms, if they are wanted",
            &list.alarm_month,
            count(template.alarms),
            allowances.alarm_month,
        ),
        standing(
            "dashboards, if they are wanted",
            &list.dashboard_month,
            count(template.dashboards),
            allowances.dashboard_month,
        ),
    ]
}
