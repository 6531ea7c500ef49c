//! The health of the host's container runtime, for `PublishInstanceStatusRequest`. Source: spec 4.7.
//!
//! ```text
//!   INITIALIZING --ping answered--> OK <--answered / not answered--> IMPAIRED
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use wharf_link::tcs::InstanceStatusReport;
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::InstanceStatus;
use wharf_wait::{Wait, signal};

/// How long the runtime may take to answer a ping.
pub const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// What the checks have found so far. Pure; the caller pings and brings the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeCheck {
    status: Status,
    runs: u64,
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
        Self { status: Status::Initializing, runs: 0, updated: now, changed: now }
    }

    /// Takes the outcome of a ping made within [`PING_TIMEOUT`].
    pub fn record(&mut self, answered: bool, now: Timestamp) {
        let status = if answered { Status::Ok } else { Status::Impaired };
        if status != self.status {
            self.changed = now;
        }
        self.status = status;
        self.runs += 1;
        self.updated = now;
    }

    /// What TCS is to be told.
    pub fn report(&self) -> InstanceStatusReport {
        let word = match self.status {
            Status::Initializing => "INITIALIZING",
            Status::Ok => "OK",
            Status::Impaired => "IMPAIRED",
        };
        let status = InstanceStatus {
            r#type: Some("ContainerRuntime".to_owned()),
            status: Some(word.to_owned()),
            last_updated: Some(self.updated),
            last_status_change: Some(self.changed),
            ..InstanceStatus::default()
        };
        InstanceStatusReport { run: self.runs, statuses: vec![status] }
    }
}

/// Pings the runtime at the start and after each ACS heartbeat; the newest report stands in a watch.
#[derive(Debug)]
pub struct Doctor {
    patience: Duration,
    check: RuntimeCheck,
    report: watch::Sender<InstanceStatusReport>,
}

impl Doctor {
    /// A doctor who has looked at nothing yet, and where the reports will stand.
    pub fn new() -> (Self, watch::Receiver<InstanceStatusReport>) {
        Self::with_patience(PING_TIMEOUT)
    }

    /// A doctor who waits that long for an answer.
    pub fn with_patience(patience: Duration) -> (Self, watch::Receiver<InstanceStatusReport>) {
        let check = RuntimeCheck::new(now());
        let (report, newest) = watch::channel(check.report());
        (Self { patience, check, report }, newest)
    }

    /// Pings until `stop`; `heartbeat` is notified by the ACS session. Heartbeats during a ping count as one.
    pub async fn run<P, F>(mut self, ping: P, heartbeat: Arc<Notify>, stop: CancellationToken)
    where
        P: Fn() -> F + Send,
        F: Future<Output = bool> + Send,
    {
        loop {
            // Cancel-safe: a ping has no effect, and a notification that is not taken stays stored.
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.examine(&ping) => {}
            }
            let beat =
                Wait::endless("a heartbeat of the control plane", "without one there is nobody to tell");
            // Cancel-safe: as above.
            tokio::select! {
                () = stop.cancelled() => break,
                () = beat.of(signal(&heartbeat)) => {}
            }
        }
    }

    async fn examine<P: Fn() -> F, F: Future<Output = bool>>(&mut self, ping: &P) {
        let answer = Wait::named("containerd's sign of life").owner("instance health").at_most(self.patience);
        let answered = answer.on(ping()).await.unwrap_or(false);
        self.check.record(answered, now());
        self.report.send_replace(self.check.report());
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
