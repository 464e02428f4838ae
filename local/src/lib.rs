//! All of Muster in one process: the embedded DynamoDB, every endpoint behind one router that makes
//! API Gateway events, the table's stream, the schedule, and an issuer for development.

pub mod cli;
pub mod config;
pub mod endpoints;
pub mod engine;
pub mod error;
pub mod gateway;
pub mod issuer;
pub mod system;

mod data_dir;
mod log;
mod stream;
mod sweeper;
mod welcome;

pub use config::{Config, Data};
pub use endpoints::endpoints;
pub use error::StartError;
pub use system::System;
