//! The whole system as it is used: over HTTP, and from the outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

mod common;
mod crash;
mod demo;
mod gateway;
mod log;
mod secrets;
mod sign_in;
mod start;
mod stream;
