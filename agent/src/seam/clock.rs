//! The wall clock, and the time since boot, which it is held against.

use nix::time::{ClockId, clock_gettime};
use std::fmt;
use std::time::Duration;
use wharf_core::time::Timestamp;

/// Tells the time of day, which may jump. Waits are no affair of it: they use tokio's clock, which does not.
pub trait Clock: Clone + fmt::Debug + Send + Sync + 'static {
    /// The time as the node is told it.
    fn now(&self) -> Timestamp;

    /// The time since the host's boot, asleep or not, which nobody sets.
    fn since_boot(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn since_boot(&self) -> Duration {
        // Linux has had this clock since 2.6.39; without it the wall clock could never be held against anything.
        clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
    }
}
