//! The wall clock.

use std::fmt;
use wharf_core::time::Timestamp;

/// Tells the time of day, which may jump. Waits are no affair of it: they use tokio's clock, which does not.
pub trait Clock: Clone + fmt::Debug + Send + Sync + 'static {
    /// The time as the node is told it.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}
