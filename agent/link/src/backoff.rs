//! How long to wait before trying again: growing waits with a ceiling and a spread.
//!
//! Pure: a policy and an attempt number give a wait. Nothing here sleeps.

use crate::jitter::Jitter;
use std::time::Duration;

/// Waits that grow from `first` to `longest` by `factor`; each gets up to `jitter` of itself on top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffPolicy {
    /// The wait after the first failure.
    pub first: Duration,
    /// The ceiling of the growth; the jitter comes on top of it.
    pub longest: Duration,
    /// What each wait is multiplied by to give the next one.
    pub factor: f64,
    /// The part of the wait that may be added at random, e.g. `0.2`.
    pub jitter: f64,
}

impl BackoffPolicy {
    /// ACS reconnects: 250 ms to 2 min, ×1.5 (spec 3.6).
    pub const ACS: Self = Self::new(Duration::from_millis(250), Duration::from_secs(120), 1.5);
    /// TCS reconnects: 1 s to 1 min, ×2 (spec 4.4).
    pub const TCS: Self = Self::new(Duration::from_secs(1), Duration::from_secs(60), 2.0);
    /// Registration attempts: 3 s to 192 s, ×2 (spec 2.2); [`crate::register`] keeps below that.
    pub const REGISTER: Self = Self::new(Duration::from_secs(3), Duration::from_secs(192), 2.0);
    /// State changes: 1 s to 30 s, ×1.3 (spec 2.2).
    pub const SUBMIT: Self = Self::new(Duration::from_secs(1), Duration::from_secs(30), 1.3);
    /// Attempts of one API call: 500 ms to 20 s, ×2, as the AWS SDKs' standard mode (spec 2.2).
    pub const CALL: Self = Self::new(Duration::from_millis(500), Duration::from_secs(20), 2.0);

    /// A policy with the usual jitter of 0.2.
    pub const fn new(first: Duration, longest: Duration, factor: f64) -> Self {
        Self { first, longest, factor, jitter: 0.2 }
    }

    /// The wait after failure number `attempt` (counted from 0), without jitter.
    pub fn base(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        Duration::from_secs_f64(seconds.min(self.longest.as_secs_f64()))
    }

    /// The wait after failure number `attempt` (counted from 0), jitter included.
    pub fn delay(&self, attempt: u32, jitter: &mut Jitter) -> Duration {
        self.spread(self.base(attempt), jitter)
    }

    fn spread(&self, base: Duration, jitter: &mut Jitter) -> Duration {
        base + jitter.up_to(base.mul_f64(self.jitter))
    }
}

/// A policy and how often it has been asked since the last [`Backoff::reset`].
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: BackoffPolicy,
    attempt: u32,
}

impl Backoff {
    /// Starts at the policy's first wait.
    pub fn new(policy: BackoffPolicy) -> Self {
        Self { policy, attempt: 0 }
    }

    /// The next wait; each call moves one step up.
    pub fn next(&mut self, jitter: &mut Jitter) -> Duration {
        let delay = self.policy.delay(self.attempt, jitter);
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// The next wait, or `most` when that is shorter; the jitter comes on top of either. Moves up as [`Backoff::next`] does.
    pub fn next_within(&mut self, most: Duration, jitter: &mut Jitter) -> Duration {
        let base = self.policy.base(self.attempt).min(most);
        self.attempt = self.attempt.saturating_add(1);
        self.policy.spread(base, jitter)
    }

    /// Goes back to the first wait.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}
