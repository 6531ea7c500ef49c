//! The health of the host's container runtime, for `PublishInstanceStatusRequest`. Source: spec 4.7.

use std::time::Duration;
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::InstanceStatus;

/// How long the runtime may take to answer a ping.
pub const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// What the checks have found so far. Pure; the caller pings and brings the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeCheck {
    status: Status,
    updated: Timestamp,
    changed: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Initializing,
    Ok,
    Impaired,
}

impl RuntimeCheck {
    /// No check has been made yet.
    pub fn new(now: Timestamp) -> Self {
        Self { status: Status::Initializing, updated: now, changed: now }
    }

    /// Takes the outcome of a ping made within [`PING_TIMEOUT`].
    pub fn record(&mut self, answered: bool, now: Timestamp) {
        let status = if answered { Status::Ok } else { Status::Impaired };
        if status != self.status {
            self.changed = now;
        }
        self.status = status;
        self.updated = now;
    }

    /// The status on the wire.
    pub fn status(&self) -> InstanceStatus {
        let word = match self.status {
            Status::Initializing => "INITIALIZING",
            Status::Ok => "OK",
            Status::Impaired => "IMPAIRED",
        };
        InstanceStatus {
            r#type: Some("ContainerRuntime".to_owned()),
            status: Some(word.to_owned()),
            last_updated: Some(self.updated),
            last_status_change: Some(self.changed),
            ..InstanceStatus::default()
        }
    }
}
