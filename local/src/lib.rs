//! All of Muster in one process: the embedded DynamoDB, every endpoint behind one router that makes
//! API Gateway events, the table's stream, the schedule, and an issuer for development.

pub mod engine;
