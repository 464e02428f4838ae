//! [`register_node::ENDPOINT`] as its function serves it, but for one root: the certificate in
//! `BENCH_ROOT`, which the benchmark's endpoint is signed with. The function itself takes no root
//! from outside.

use muster_shared::lambda::{self, Error, Roots};

fn main() -> Result<(), Error> {
    let root = std::env::var("BENCH_ROOT").map_err(|_| "BENCH_ROOT is not set to a certificate")?;
    lambda::serve_over(&register_node::ENDPOINT, Roots::amazon().and(&root).https()?)
}
