//! What the process waits for at this moment, for operators who ask why nothing happens.

use serde::Serialize;
use tokio::time::Instant;
use wharf_wait::{End, Open};

/// One wait.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WaitBody {
    name: &'static str,
    owner: String,
    since_ms: u128,
    /// Time to its end; absent for one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_in_ms: Option<u128>,
    /// Why it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    endless: Option<&'static str>,
    /// More than half of its time is over.
    long: bool,
}

impl WaitBody {
    /// The wait as it is `now`.
    pub fn new(wait: &Open, now: Instant) -> Self {
        let (ends_in_ms, endless) = match wait.end {
            End::At(end) => (Some(end.saturating_duration_since(now).as_millis()), None),
            End::Never(reason) => (None, Some(reason)),
        };
        Self {
            name: wait.name,
            owner: wait.owner.to_string(),
            since_ms: now.saturating_duration_since(wait.since).as_millis(),
            ends_in_ms,
            endless,
            long: wait.is_long(now),
        }
    }
}
