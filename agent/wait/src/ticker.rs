//! Ticks: a pause again and again, which keeps its rhythm and can be moved.

use crate::Owned;
use std::time::Duration;
use tokio::time::Instant;

/// Ticks at equal steps; each wait for a tick is a pause with a name and an owner.
///
/// A tick that is taken late does not move the next one, unless it is late by a whole step: what was missed is never made up for.
#[derive(Debug)]
pub struct Ticker {
    wait: Owned,
    step: Duration,
    next: Instant,
}

impl Owned {
    /// Ticks at once, and then at each step.
    ///
    /// # Panics
    /// When the step is zero: ticks would leave no time for anything else.
    pub fn every(self, step: Duration) -> Ticker {
        assert!(!step.is_zero(), "a ticker has steps");
        Ticker { wait: self, step, next: Instant::now() }
    }

    /// Ticks after one step, and then at each further one.
    ///
    /// # Panics
    /// As [`Owned::every`].
    pub fn after_every(self, step: Duration) -> Ticker {
        let mut ticker = self.every(step);
        ticker.next += step;
        ticker
    }
}

impl Ticker {
    /// Waits for the next tick.
    ///
    /// Cancel-safe: a tick that is not taken stays due.
    pub async fn tick(&mut self) {
        self.wait.clone().pause_until(self.next).await;
        let now = Instant::now();
        let in_step = self.next + self.step;
        self.next = if in_step > now { in_step } else { now + self.step };
    }

    /// The moment of the next tick.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Sets the next tick to this time from now, be that sooner or later than it would have come.
    pub fn after(&mut self, time: Duration) {
        self.next = Instant::now() + time;
    }

    /// Moves the next tick nearer, so that it comes within this time; one that comes sooner stays.
    pub fn within(&mut self, time: Duration) {
        self.next = self.next.min(Instant::now() + time);
    }
}
