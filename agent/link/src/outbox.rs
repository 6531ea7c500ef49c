//! A receiver whose end is silence: once all senders are gone it never yields again, instead of yielding `None` for
//! ever, which a loop over a `select!` would spin on.

use tokio::sync::mpsc;

/// The frames an owner wants sent.
#[derive(Debug)]
pub(crate) struct Outbox<T>(Option<mpsc::Receiver<T>>);

impl<T> Outbox<T> {
    pub(crate) fn new(receiver: mpsc::Receiver<T>) -> Self {
        Self(Some(receiver))
    }

    /// The next frame. Cancel-safe, as [`mpsc::Receiver::recv`] is.
    pub(crate) async fn next(&mut self) -> T {
        if let Some(receiver) = &mut self.0 {
            if let Some(value) = receiver.recv().await {
                return value;
            }
            self.0 = None;
        }
        std::future::pending().await
    }
}
