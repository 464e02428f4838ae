//! A world to try the promises in: the real store over the embedded engine, a clock that is set by
//! hand, randomness from a seed, and a wire between the SDK and the engine that can be held,
//! broken, and relieved of a condition.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that meets what it did not expect has to fail"
)]

pub mod faults;
pub mod mutant;
pub mod page;
pub mod table;
pub mod wire;
pub mod world;
