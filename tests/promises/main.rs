//! The eight promises, each tried where the race lives: between the store and the table.
//!
//! `docs/promises.md` says which condition each test pins; `make mutants` sees each test fail with
//! its condition taken out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

mod cascade;
mod gone_means_gone;
mod heartbeats;
mod membership;
mod never_after;
mod never_elsewhere;
mod never_more;
mod never_shown;
mod never_taken_over;
mod never_twice;
mod one_address_one_device;

/// Runs a test in calm weather and in three storms.
macro_rules! in_every_weather {
    ($($name:ident)*) => {$(
        mod $name {
            use muster_tests::world::World;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn calm() {
                super::$name(World::calm().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn stormy() {
                for seed in 1..=3 {
                    super::$name(World::stormy(seed).await).await;
                }
            }
        }
    )*};
}
pub(crate) use in_every_weather;
