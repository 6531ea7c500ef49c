//! Turns per name: work on one name goes one after the other, work on different names side by side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use wharf_wait::{Wait, turn};

/// A set of locks by name. Locks that nobody holds or awaits are forgotten.
#[derive(Debug, Default)]
pub(crate) struct KeyedLock {
    // A plain mutex, held only to look up: the waiting happens on the inner, asynchronous one.
    locks: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

impl KeyedLock {
    /// Waits for the turn of `name`; the turn ends when the guard is dropped.
    pub(crate) async fn turn(&self, name: &str) -> OwnedMutexGuard<()> {
        Wait::endless("a turn", "whoever has it has deadlines of its own").of(turn(self.lock_for(name))).await
    }

    fn lock_for(&self, name: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(name.to_owned()).or_default().clone()
    }
}
