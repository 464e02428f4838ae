//! The whole system in virtual time, over a DynamoDB as published, from a seed.
//!
//! One thread, one generator, one clock: the same seed gives the same history.

#![allow(clippy::indexing_slicing, reason = "JSON that is put together here has what is set in it")]

pub mod agents;
pub mod chance;
pub mod client;
pub mod clock;
pub mod dynamodb;
pub mod fleet;
pub mod history;
pub mod lambda;
pub mod list;
pub mod mutation;
pub mod network;
pub mod request;
pub mod system;
pub mod weather;
pub mod world;

mod promises;
