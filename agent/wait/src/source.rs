//! What one part of the program does for another: messages, room for them, permits, signals, ends.
//!
//! Channels and their like can be waited for without a timer, so a ban of timers would not keep anybody from waiting for ever and
//! unseen. `clippy.toml` therefore forbids their methods in product code; what these functions return is no future, and only a wait
//! can be made of it.
#![expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]

use std::future::Future;
use std::sync::Arc;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{
    AcquireError, Mutex, Notify, OwnedMutexGuard, OwnedSemaphorePermit, RwLock, RwLockReadGuard,
    RwLockWriteGuard, Semaphore, SemaphorePermit, mpsc, oneshot, watch,
};
use tokio::task::{JoinError, JoinSet};

/// Something that another part of the program will do: to be waited for with [`Bounded::of`](crate::Bounded::of) or
/// [`Endless::of`](crate::Endless::of).
#[derive(Debug)]
#[must_use = "nothing is waited for yet"]
pub struct Source<F>(pub(crate) F);

/// The next message of an inbox; `None` once nobody can send any more. Cancel-safe.
pub fn message<T>(inbox: &mut mpsc::Receiver<T>) -> Source<impl Future<Output = Option<T>>> {
    Source(inbox.recv())
}

/// The next messages of an inbox, `most` of them; 0 once nobody can send any more. Cancel-safe: nothing is taken out then.
pub fn messages<'a, T>(
    inbox: &'a mut mpsc::Receiver<T>,
    batch: &'a mut Vec<T>,
    most: usize,
) -> Source<impl Future<Output = usize> + use<'a, T>> {
    Source(inbox.recv_many(batch, most))
}

/// Room for a message in an inbox, which then holds it; an error once nobody listens. Cancel-safe, but the message is lost.
pub fn room<T>(
    inbox: &mpsc::Sender<T>,
    message: T,
) -> Source<impl Future<Output = Result<(), SendError<T>>>> {
    Source(inbox.send(message))
}

/// A place for one answer, with the wait for it; an error once nobody can give it any more.
pub fn answer<T>() -> (oneshot::Sender<T>, Source<oneshot::Receiver<T>>) {
    let (giver, taker) = oneshot::channel();
    (giver, Source(taker))
}

/// A permit of a semaphore. Cancel-safe, but the place in the queue is lost.
pub fn permit(
    semaphore: &Semaphore,
) -> Source<impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>>> {
    Source(semaphore.acquire())
}

/// A permit that can be handed on. Cancel-safe, but the place in the queue is lost.
pub fn owned_permit(
    semaphore: &Arc<Semaphore>,
) -> Source<impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + use<>> {
    Source(Arc::clone(semaphore).acquire_owned())
}

/// A look at what a lock guards. Cancel-safe, but the place in the queue is lost.
pub fn reading<T>(lock: &RwLock<T>) -> Source<impl Future<Output = RwLockReadGuard<'_, T>>> {
    Source(lock.read())
}

/// A change of what a lock guards. Cancel-safe, but the place in the queue is lost.
pub fn writing<T>(lock: &RwLock<T>) -> Source<impl Future<Output = RwLockWriteGuard<'_, T>>> {
    Source(lock.write())
}

/// A turn with a lock, that can be handed on. Cancel-safe, but the place in the queue is lost.
pub fn turn<T>(lock: Arc<Mutex<T>>) -> Source<impl Future<Output = OwnedMutexGuard<T>>> {
    Source(lock.lock_owned())
}

/// A signal. Cancel-safe: one that is stored and not taken stays stored.
pub fn signal(signal: &Notify) -> Source<impl Future<Output = ()>> {
    Source(signal.notified())
}

/// A value that is as wanted; an error once nobody can change it any more. Cancel-safe.
pub fn value<T>(
    watched: &mut watch::Receiver<T>,
    wanted: impl FnMut(&T) -> bool,
) -> Source<impl Future<Output = Result<(), watch::error::RecvError>>> {
    Source(async move { watched.wait_for(wanted).await.map(drop) })
}

/// The end of one of several tasks; `None` when there is none. Cancel-safe: an end that is not taken is kept.
pub fn end<T: 'static>(tasks: &mut JoinSet<T>) -> Source<impl Future<Output = Option<Result<T, JoinError>>>> {
    Source(tasks.join_next())
}
