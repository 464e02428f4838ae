//! The API as its callers meet it: what each call does, what each refuses, and that what is
//! deployed has the same routes and may do what the code does.
//!
//! The scenarios run against a system of their own each, started in this process, or against the
//! one at `MUSTER_URL`, such as `http://127.0.0.1:8000` of `make run`, which trusts the development
//! issuer at `MUSTER_ISSUER`, its own if that is not set. Everything else looks into the table and
//! so runs in this process always.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

mod bad_input;
mod events;
mod metrics;
mod parity;
mod proofs;
mod scenarios;
mod support;
mod time_passes;
mod trouble;
