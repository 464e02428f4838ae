//! What the functions' log tells CloudWatch: each thing that is counted, counted once.

mod cascade;
mod emf;
mod lines;
mod requests;
