//! Chance, all of it from one seed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use muster_shared::domain::id::ID_BYTES;
use muster_shared::environment::Entropy;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};

/// A generator that everything of a world draws from. Clones draw from the same.
#[derive(Debug, Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A generator of its own, so that what it is used for does not shift what others draw.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::new(self.with(RngExt::random))
    }

    /// Whether something happens that happens in `share` of all cases.
    pub fn happens(&self, share: f64) -> bool {
        share > 0.0 && self.with(|rng| rng.random_bool(share.min(1.0)))
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.with(|rng| rng.random_range(0..bound)) }
    }

    /// One of several.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A number.
    pub fn between(&self, least: f64, most: f64) -> f64 {
        if least < most { self.with(|rng| rng.random_range(least..most)) } else { least }
    }

    /// A time.
    pub fn time(&self, least: Duration, most: Duration) -> Duration {
        Duration::from_secs_f64(self.between(least.as_secs_f64(), most.as_secs_f64()))
    }

    /// A time as networks take it: log-normal around a median, `spread` being the standard
    /// deviation of its logarithm.
    pub fn about(&self, median: Duration, spread: f64) -> Duration {
        match LogNormal::new(0.0, spread) {
            Ok(factor) => median.mul_f64(self.with(|rng| factor.sample(rng))),
            Err(_) => median,
        }
    }
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.with(|rng| rng.fill_bytes(bytes));
    }
}

/// Draws the same id again now and then, as nobody lives to see it: of several in a row only the
/// first, after which the others are told apart.
#[derive(Debug)]
pub struct ShortOfIds {
    chance: Chance,
    in_a_row: AtomicBool,
}

impl ShortOfIds {
    /// Draws otherwise as `chance` has it.
    pub fn new(chance: Chance) -> Self {
        Self { chance, in_a_row: AtomicBool::new(false) }
    }
}

impl Entropy for ShortOfIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.chance.fill(bytes);
        let is_id = bytes.len() == ID_BYTES;
        if is_id && !self.in_a_row.load(Ordering::Relaxed) && self.chance.happens(0.3) {
            bytes.fill(0);
        }
        self.in_a_row.store(is_id, Ordering::Relaxed);
    }
}
