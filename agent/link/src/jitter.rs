//! Randomness as a value: every wait that is spread asks a [`Jitter`], so a test gives a seed and gets the same waits
//! again.
//!
//! Owns nothing but a small generator. It spreads load; it is not for secrets.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;

/// A source of random spread for waits.
#[derive(Debug, Clone)]
pub struct Jitter(SmallRng);

impl Jitter {
    /// A source that gives the same spreads for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// A source seeded by the operating system.
    pub fn from_os() -> Self {
        Self(SmallRng::from_os_rng())
    }

    /// A duration in `[0, span)`, or zero when `span` is zero.
    pub fn up_to(&mut self, span: Duration) -> Duration {
        span.mul_f64(self.0.random::<f64>())
    }

    /// A second source, independent of what is drawn from this one later.
    pub fn fork(&mut self) -> Self {
        Self::seeded(self.0.random())
    }
}
