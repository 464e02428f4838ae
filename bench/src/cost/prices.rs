//! The list prices, and what is assumed where nothing can be measured.

use serde::Deserialize;

use crate::Error;

const FILE: &str = include_str!("../../../infra/prices.json");

/// `infra/prices.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Where they hold.
    pub region: String,
    /// When they were looked up.
    pub date: String,
    /// What they are.
    pub note: String,
    /// Prices in US dollars.
    pub prices: List,
    /// What is free of charge in each month, for the whole account.
    pub allowances: Allowances,
    /// What stands in for what can't be measured.
    pub assumptions: Assumptions,
}

/// What something costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// US dollars...
    usd: f64,
    /// ...for so many...
    per: f64,
    /// ...of these.
    pub of: String,
    /// Where it says so.
    pub source: String,
}

impl Price {
    /// What `amount` costs.
    pub fn of(&self, amount: f64) -> f64 {
        self.usd * amount / self.per
    }
}

/// Everything that has a price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says what each is of")]
pub struct List {
    pub http_api_request: Price,
    pub transfer_out_gb: Price,
    pub lambda_request: Price,
    pub lambda_gb_second_arm64: Price,
    pub lambda_gb_second_x86_64: Price,
    pub dynamodb_write_unit: Price,
    pub dynamodb_read_unit: Price,
    pub logs_gb: Price,
    pub logs_infrequent_gb: Price,
    pub metric_month: Price,
    pub alarm_month: Price,
    pub dashboard_month: Price,
    pub scheduler_invocation: Price,
    pub dynamodb_stored_gb_month: Price,
    pub dynamodb_recovery_gb_month: Price,
    pub logs_stored_gb_month: Price,
}

/// What is free of charge in each month.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "they are named after the prices")]
pub struct Allowances {
    pub lambda_request: f64,
    pub lambda_gb_second: f64,
    pub scheduler_invocation: f64,
    pub alarm_month: f64,
    pub dashboard_month: f64,
}

/// A figure that stands in for one that can't be measured here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// The figure.
    pub value: f64,
    /// Where it is from.
    pub why: String,
}

/// All of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says why each is so")]
pub struct Assumptions {
    pub gb: Assumption,
    pub log_event_overhead: Assumption,
    pub core_mb: Assumption,
    pub read_ms: Assumption,
    pub write_ms: Assumption,
    pub transaction_ms: Assumption,
}

impl Prices {
    /// The prices in the repository.
    pub fn read() -> Result<Self, Error> {
        serde_json::from_str(FILE).map_err(|error| Error::Prices(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_for_so_many() {
        let price: Price =
            serde_json::from_str(r#"{"usd": 0.625, "per": 1000000, "of": "", "source": ""}"#)
                .unwrap();
        assert!((price.of(4e6) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn the_file_says_where_each_price_is_from() {
        let file: serde_json::Value = serde_json::from_str(FILE).unwrap();
        for (name, price) in file["prices"].as_object().unwrap() {
            assert!(price["source"].as_str().unwrap().starts_with("https://"), "{name}");
            assert!(price["usd"].as_f64().unwrap() > 0.0, "{name}");
        }
        Prices::read().unwrap();
    }
}
