//! Tasks: what goes on beside whoever begins it. Each has an owner: whoever holds the job, or a tracker.
#![expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]

use crate::Source;
use crate::thread::done;
use std::future::Future;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::task::TaskTracker;

/// A task that lives no longer than this does: dropping it ends the task where it waits next.
#[derive(Debug)]
#[must_use = "a job that is dropped ends"]
pub struct Job<T>(JoinHandle<T>);

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins a task that whoever holds the job owns.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Job<T> {
    Job(tokio::spawn(work))
}

/// What becomes of a job; an error when it panicked. To be asked once. Cancel-safe.
pub fn outcome<T>(job: &mut Job<T>) -> Source<impl Future<Output = Result<T, JoinError>>> {
    Source(&mut job.0)
}

/// Begins a task that the tracker owns: whoever waits for [`all`] of them waits for it.
pub fn begin<T: Send + 'static>(tracker: &TaskTracker, work: impl Future<Output = T> + Send + 'static) {
    drop(tracker.spawn(work));
}

/// Begins a task that the tracker owns, to be waited for: it goes on when nobody does. Its panic goes on in whoever waits.
pub fn tracked<T: Send + 'static>(
    tracker: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> Source<impl Future<Output = T>> {
    Source(done(tracker.spawn(work)))
}

/// The end of all tasks of a tracker, once it is closed. Cancel-safe.
pub fn all(tracker: &TaskTracker) -> Source<impl Future<Output = ()>> {
    Source(tracker.wait())
}
