//! What is deployed has the routes of the code, and may do what the code does: no less, no more.

mod exercise;
mod metrics;
mod permissions;
mod routes;
mod template;
