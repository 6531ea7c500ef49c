//! A receiver whose end is silence: once all senders are gone it never yields again, instead of yielding `None` for
//! ever, which a loop over a `select!` would spin on.

use tokio::sync::mpsc;
use wharf_wait::{Wait, message};

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
            let next = Wait::endless("frames to be sent", "the agent speaks when it has something to say");
            if let Some(value) = next.of(message(receiver)).await {
                return value;
            }
            self.0 = None;
        }
        std::future::pending().await
    }
}
