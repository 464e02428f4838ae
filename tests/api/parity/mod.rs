//! What is deployed and what is documented have the routes of the code, what is deployed may do what
//! the code does, and what is documented is what the code answers: no less, no more.

mod document;
mod exercise;
mod metrics;
mod permissions;
mod problems;
mod routes;
mod template;
