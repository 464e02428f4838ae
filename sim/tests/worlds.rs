//! A world is its seed's, and what breaks a promise in it is seen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

use muster_sim::mutation::Mutation;
use muster_sim::world::{Options, run};

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [8, 21] {
        let options = Options { mutation: None, traced: true };
        let (once, again) = (run(seed, &options).unwrap(), run(seed, &options).unwrap());
        assert!(once.history.trace.len() > 100);
        assert_eq!(once.history.trace, again.history.trace);
        assert_eq!(once.items, again.items);
    }
}

#[test]
fn every_promise_is_kept_in_some_worlds() {
    for seed in 1..=5 {
        let evidence = run(seed, &Options::default()).unwrap();
        assert_eq!(evidence.violations, Vec::<String>::new(), "seed {seed}");
        assert!(!evidence.tokens.is_empty());
    }
}

#[test]
fn a_promise_that_is_not_kept_is_seen() {
    for name in ["MEMBER_ABSENT", "TOKEN_NOT_REVOKED/1", "NODE_ABSENT", "GetItem/consistent"] {
        let options = Options { mutation: Mutation::named(name), traced: false };
        let found = (1..=40).find(|seed| !run(*seed, &options).unwrap().violations.is_empty());
        assert!(found.is_some(), "{name}");
    }
}
