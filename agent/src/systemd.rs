//! What systemd is told: readiness, and signs of life for its watchdog. Without systemd, nothing.

use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Tells systemd that the agent is ready: containerd answers and local state is loaded.
pub fn ready() {
    notify(&[sd_notify::NotifyState::Ready]);
}

/// Gives signs of life twice in each interval of the watchdog, until `cancel`.
pub async fn keep_alive(cancel: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval((interval / 2).max(Duration::from_millis(100)));
    loop {
        // Both arms are cancel-safe: a token and a ticker.
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => notify(&[sd_notify::NotifyState::Watchdog]),
        }
    }
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
