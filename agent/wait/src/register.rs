//! What is waited for in this process at this moment: a bounded list, for people who ask why nothing happens.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Most waits in the list. More than there can be effects, sessions and listeners at once; further ones are not listed.
const MOST: usize = 4096;

/// A wait that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What is waited for.
    pub name: &'static str,
    /// Who waits.
    pub owner: Cow<'static, str>,
    /// Since when.
    pub since: Instant,
    /// Until when.
    pub end: End,
}

/// When a wait ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At this moment.
    At(Instant),
    /// Never, for this reason.
    Never(&'static str),
}

impl Open {
    /// Whether more than half of its time is over.
    pub fn is_long(&self, now: Instant) -> bool {
        match self.end {
            End::At(end) => now.saturating_duration_since(self.since) > end.saturating_duration_since(now),
            End::Never(_) => false,
        }
    }
}

/// A lock, not a message: waits begin and end in every thread, the section is a few instructions, nothing awaits inside.
static REGISTER: Mutex<Register> = Mutex::new(Register { next: 0, open: BTreeMap::new() });

struct Register {
    next: u64,
    open: BTreeMap<u64, Open>,
}

/// Lists what is waited for now, the oldest first.
pub fn open() -> Vec<Open> {
    lock().open.values().cloned().collect()
}

/// A wait in the list; dropping it takes it off.
#[derive(Debug)]
pub(crate) struct Seen(Option<u64>);

/// Puts a wait on the list.
pub(crate) fn enter(name: &'static str, owner: Cow<'static, str>, end: End) -> Seen {
    let mut register = lock();
    if register.open.len() >= MOST {
        return Seen(None);
    }
    let number = register.next;
    register.next += 1;
    register.open.insert(number, Open { name, owner, since: Instant::now(), end });
    Seen(Some(number))
}

impl Drop for Seen {
    fn drop(&mut self) {
        if let Some(number) = self.0 {
            lock().open.remove(&number);
        }
    }
}

/// A panic in here would have been in an allocation; the list is whole all the same.
fn lock() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}
