//! From what a call takes to what it costs.

use std::time::Duration;

use super::prices::Prices;
use super::table::Consumed;
use super::template::Template;

/// What one call takes of each thing that has a price.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Of the table.
    pub table: Consumed,
    /// CPU time of the function, on a whole core.
    pub cpu: Duration,
    /// Bytes that the function logs, with what is added to each event.
    pub log_bytes: f64,
    /// What goes through API Gateway, if it is called over it.
    pub http: Option<Http>,
}

/// What a call over API Gateway takes besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Http {
    /// Bytes of its line in the access log, with what is added to it.
    pub access_log_bytes: f64,
    /// Bytes of the answer.
    pub answer_bytes: f64,
}

/// What a million of a call costs, by its parts, in US dollars.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bill {
    /// The table's capacity.
    pub table: f64,
    /// API Gateway.
    pub api: f64,
    /// Invocations of the function.
    pub invocations: f64,
    /// What each is billed.
    pub billed: Duration,
    /// Its duration on arm64.
    pub duration: f64,
    /// What its duration costs more on `x86_64`.
    pub x86_64: f64,
    /// The logs.
    pub logs: f64,
    /// The answers, sent to the internet.
    pub transfer: f64,
}

impl Bill {
    /// A million of a call.
    pub fn of(taken: &Taken, prices: &Prices, template: &Template) -> Self {
        const MILLION: f64 = 1e6;
        let Prices { prices: list, assumptions, .. } = prices;
        let http = taken.http.unwrap_or_default();
        let gb = |bytes: f64| MILLION * bytes / assumptions.gb.value;
        let billed = billed(taken, prices, template);
        let gb_seconds = MILLION * billed.as_secs_f64() * template.memory_mb / 1024.0;
        let duration = list.lambda_gb_second_arm64.of(gb_seconds);
        Self {
            table: list.dynamodb_write_unit.of(MILLION * taken.table.write_units)
                + list.dynamodb_read_unit.of(MILLION * taken.table.read_units),
            api: taken.http.map_or(0.0, |_| list.http_api_request.of(MILLION)),
            invocations: list.lambda_request.of(MILLION),
            billed,
            duration,
            x86_64: list.lambda_gb_second_x86_64.of(gb_seconds) - duration,
            logs: list.logs_gb.of(gb(taken.log_bytes))
                + list.logs_infrequent_gb.of(gb(http.access_log_bytes)),
            transfer: list.transfer_out_gb.of(gb(http.answer_bytes)),
        }
    }

    /// All of it, on arm64.
    pub fn sum(&self) -> f64 {
        self.table + self.api + self.invocations + self.duration + self.logs + self.transfer
    }
}

/// CPU time by the share of a core that the memory brings, and the waiting; in whole milliseconds,
/// as it is billed.
pub fn billed(taken: &Taken, prices: &Prices, template: &Template) -> Duration {
    let share = (template.memory_mb / prices.assumptions.core_mb.value).min(1.0);
    let time = taken.cpu.as_secs_f64() / share + taken.table.waited.as_secs_f64();
    Duration::from_secs_f64((time * 1e3).ceil() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_what_is_taken_times_its_price() {
        let prices = Prices::read().unwrap();
        let mut template = Template::read().unwrap();
        template.memory_mb = 256.0;
        let taken = Taken {
            table: Consumed {
                calls: 2,
                read_units: 3.0,
                write_units: 4.0,
                waited: Duration::from_millis(17),
            },
            cpu: Duration::from_micros(500),
            log_bytes: 600.0,
            http: Some(Http { access_log_bytes: 200.0, answer_bytes: 1000.0 }),
        };
        let bill = Bill::of(&taken, &prices, &template);
        let close = |is: f64, should: f64| assert!((is - should).abs() < 1e-4, "{is} {should}");
        close(bill.table, 2.875);
        close(bill.api, 1.0);
        close(bill.invocations, 0.2);
        // 17 ms and half a millisecond at 256 / 1769 of a core, rounded up.
        assert_eq!(bill.billed, Duration::from_millis(21));
        close(bill.duration, 0.021 * 0.25 * 13.3334);
        close(bill.duration + bill.x86_64, 0.021 * 0.25 * 16.6667);
        close(bill.logs, 0.3 + 0.05);
        close(bill.transfer, 0.09);
        close(bill.sum(), 2.875 + 1.0 + 0.2 + 0.07 + 0.35 + 0.09);
        let alone = Bill::of(&Taken { http: None, ..taken }, &prices, &template);
        close(alone.api + alone.transfer, 0.0);
    }
}
