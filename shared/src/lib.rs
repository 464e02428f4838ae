//! What every function of Muster stands on.

pub use muster_domain as domain;

pub mod environment;
pub mod http;
pub mod lambda;
pub mod log;
pub mod metrics;
pub mod store;
