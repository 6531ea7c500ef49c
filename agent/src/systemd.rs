//! What systemd is told: readiness, and signs of life for its watchdog. Without systemd, nothing.

use std::time::Duration;
use wharf_wait::{Ticker, Wait};

/// Tells systemd that the agent is ready: containerd answers and local state is loaded.
pub fn ready() {
    notify(&[sd_notify::NotifyState::Ready]);
}

/// The watchdog's clock. Whoever does the work that has to go on gives the signs of life: the owner loop.
#[derive(Debug)]
pub struct Watchdog(Option<Ticker>);

impl Watchdog {
    /// Two signs in each interval that systemd set; none without systemd.
    pub fn from_environment() -> Self {
        let interval =
            sd_notify::watchdog_enabled().map(|interval| (interval / 2).max(Duration::from_millis(100)));
        let sign = Wait::named("the next sign for systemd's watchdog").owner("owner loop");
        Self(interval.map(|interval| sign.every(interval)))
    }

    /// Ends when a sign is due; never without a watchdog. Cancel-safe.
    pub async fn due(&mut self) {
        match &mut self.0 {
            Some(signs) => signs.tick().await,
            None => std::future::pending().await,
        }
    }

    /// Gives a sign.
    pub fn alive(&self) {
        notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
