//! What a function takes, measured from outside: its binary is started as Lambda starts it, asks a
//! runtime API for events, and calls a DynamoDB over TLS. Both stand on loopback.

pub mod cold;
pub mod cost;
pub mod dynamodb;
pub mod error;
pub mod figures;
pub mod function;
pub mod quota;
pub mod runtime_api;
pub mod scene;
pub mod size;

pub use error::Error;
