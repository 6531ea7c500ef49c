//! Threads: work that may block, and what a thread without a runtime waits for.
#![expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]

use crate::register::{self, End};
use crate::{Endless, Source};
use std::borrow::Cow;
use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::thread::{JoinHandle, ScopedJoinHandle};
use tokio::sync::mpsc;

/// Work on a thread where it may block, begun now. It runs to its end even when nobody waits for it any more; its panic goes on in
/// whoever waits.
///
/// A wait with an end therefore is for work that only looks. What changes something would go on beside the next try.
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Source<impl Future<Output = T>> {
    Source(done(tokio::task::spawn_blocking(work)))
}

/// What work that nobody aborts brings, its panic included.
pub(crate) async fn done<T>(working: tokio::task::JoinHandle<T>) -> T {
    match working.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Cut off: the runtime is ending, and takes this wait along.
            Err(_) => pending().await,
        },
    }
}

impl Endless {
    /// Waits in this thread for the end of another one.
    ///
    /// # Errors
    /// What the other one panicked with.
    pub fn join<T>(self, thread: JoinHandle<T>) -> std::thread::Result<T> {
        self.here(|| thread.join())
    }

    /// The same for a thread that may borrow.
    ///
    /// # Errors
    /// What the other one panicked with.
    pub fn join_scoped<T>(self, thread: ScopedJoinHandle<'_, T>) -> std::thread::Result<T> {
        self.here(|| thread.join())
    }

    /// Waits in this thread for the next messages of an inbox, `most` of them; 0 once nobody can send any more.
    pub fn messages_here<T>(self, inbox: &mut mpsc::Receiver<T>, batch: &mut Vec<T>, most: usize) -> usize {
        self.here(|| inbox.blocking_recv_many(batch, most))
    }

    fn here<T>(self, wait: impl FnOnce() -> T) -> T {
        let _seen = register::enter(self.name, Cow::Borrowed("a thread"), End::Never(self.reason));
        wait()
    }
}
