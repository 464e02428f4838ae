//! What every function of Muster stands on.

pub mod domain;
