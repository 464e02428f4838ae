//! What is common to every endpoint: events in, JSON and problems out.

pub mod call;
pub mod claims;
pub mod cursor;
pub mod endpoint;
pub mod event;
pub mod fields;
pub mod problem;
pub mod proof;
pub mod reply;
pub mod views;

pub use call::Call;
pub use endpoint::{Auth, Endpoint};
pub use problem::Problem;
pub use reply::Reply;

pub use lambda_http::http::Method;
