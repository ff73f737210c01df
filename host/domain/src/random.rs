//! Randomness, which always comes from outside: from the system, or from a seed in tests.

use std::sync::Mutex;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// A source of random bytes that many tasks may share.
#[derive(Debug)]
pub struct Random(Mutex<StdRng>);

impl Random {
    /// Seeded from the operating system.
    pub fn from_system() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// The same bytes every time for the same `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.with(|rng| rng.fill_bytes(bytes));
    }

    /// `base`, shortened or lengthened by up to `fraction` of itself (0.2 is ±20 %).
    pub fn jitter(&self, base: Duration, fraction: f64) -> Duration {
        let spread = fraction.clamp(0.0, 1.0);
        let factor = self.with(|rng| rng.random_range(1.0 - spread..=1.0 + spread));
        base.mul_f64(factor)
    }

    /// A number below `bound`, or zero when `bound` is zero.
    pub fn below(&self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        self.with(|rng| rng.random_range(0..bound))
    }

    fn with<T>(&self, f: impl FnOnce(&mut StdRng) -> T) -> T {
        let mut rng = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        f(&mut rng)
    }
}
