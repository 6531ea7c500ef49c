//! The moment at which a control plane that did not answer answers again, for those who wait before they ask anew.
//!
//! Owns the cut of waits. Without it a state that failed at the end of an outage would rest for up to half a minute more, although
//! the control plane is back.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use wharf_wait::{Wait, signal};

/// The least rest after a failure, whoever else succeeds meanwhile: one state that keeps failing among others that are taken must
/// not be sent in a tight loop.
const LEAST: Duration = Duration::from_secs(1);

/// Says when the control plane answers. Clones share it. Those who rest are woken in the order in which they began to, which a watch
/// would not do: so a run can be repeated.
#[derive(Debug, Clone, Default)]
pub struct Healing(Arc<Notify>);

impl Healing {
    /// Nobody has answered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The control plane took a call or opened a session: whoever rests may ask again.
    pub fn answered(&self) {
        self.0.notify_waiters();
    }

    /// Rests for `wait`, or until the control plane has answered somebody since this rest began.
    ///
    /// Cancel-safe: nothing is held.
    pub async fn rest(&self, wait: Duration) {
        // Hears of every answer from its making on, also before it is polled.
        let answered = signal(&self.0);
        Wait::named("the least rest after a failure").owner("a report").pause(wait.min(LEAST)).await;
        // An error is the end of the time.
        let answer =
            Wait::named("the control plane to answer").owner("a report").at_most(wait.saturating_sub(LEAST));
        drop(answer.of(answered).await);
    }
}
