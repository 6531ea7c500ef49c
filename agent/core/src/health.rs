//! Health of a container, as Docker counts it. Source: features 4.7.
//!
//! Owns when the next probe is due and what its outcome means; the shell runs the probe.

use crate::spec::HealthCheck;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the probes say. Docker's `starting` is `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HealthStatus {
    /// No verdict yet.
    Unknown,
    /// The last probe, or one less than `retries` ago, succeeded.
    Healthy,
    /// `retries` probes in a row failed.
    Unhealthy,
}

impl HealthStatus {
    /// ECS's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// Health of one running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// Since when the verdict holds.
    pub since: Timestamp,
    /// Exit code of the last probe; `None` before the first, and for one that timed out or could not run.
    pub exit_code: Option<i32>,
    /// Output of the last probe.
    pub output: String,
    /// When the next probe is due.
    pub next_probe: Timestamp,
    failures: u32,
}

impl Health {
    /// Health of a container that has just started: the first probe comes one interval later.
    pub(crate) fn starting(check: &HealthCheck, started_at: Timestamp) -> Self {
        Self {
            status: HealthStatus::Unknown,
            since: started_at,
            exit_code: None,
            output: String::new(),
            next_probe: started_at.plus(check.interval),
            failures: 0,
        }
    }

    /// Counts a probe that ended `now`; `excused` says that it began within the start period.
    pub(crate) fn probed(&mut self, check: &HealthCheck, probe: Probe, now: Timestamp) {
        let ok = probe.exit_code == Some(0);
        if ok {
            self.failures = 0;
            self.become_status(HealthStatus::Healthy, now);
        } else if !(probe.excused && self.status == HealthStatus::Unknown) {
            self.failures = self.failures.saturating_add(1);
            if self.failures >= check.retries.max(1) {
                self.become_status(HealthStatus::Unhealthy, now);
            }
        }
        self.exit_code = probe.exit_code;
        self.output = probe.output;
        self.next_probe = now.plus(check.interval);
    }

    /// Every instant in it.
    pub(crate) fn instants(&mut self) -> [&mut Timestamp; 2] {
        [&mut self.since, &mut self.next_probe]
    }

    fn become_status(&mut self, status: HealthStatus, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.since = now;
        }
    }
}

/// How a probe ended.
pub(crate) struct Probe {
    pub(crate) exit_code: Option<i32>,
    pub(crate) output: String,
    /// It began within the start period, in which failures do not count until the first success.
    pub(crate) excused: bool,
}
