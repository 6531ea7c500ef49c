//! What a task went through: a capped list of moments, kept beside the task's record and saved with the change it tells of.
//!
//! Owns the moments and which of them are dropped when there are too many. What happened in a step is derived from the task
//! before and after it (`chronicle`), so nothing can change without a moment; what no state shows (a pull that begins, a
//! failure that is tried again) is added by `Node`. Holds no environment, command or output.

use crate::admission::Shortage;
use crate::health::HealthStatus;
use crate::reason::Reason;
use crate::report::Status;
use crate::time::Timestamp;
use crate::work::Act;
use serde::{Deserialize, Serialize};

/// Most moments of one task.
const MOST: usize = 200;
/// The newest moments, which are never dropped, and the oldest, which say how it began.
const LAST: usize = 50;
const FIRST: usize = 10;

/// The moments of one task, oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Journal {
    moments: Vec<Moment>,
    dropped: u32,
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When it happened, or when it was learned where nobody knows better.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Its payload came.
    Received,
    /// It waits for host resources.
    Queued {
        /// What is missing.
        short_of: Shortage,
    },
    /// It got its host resources.
    Admitted,
    /// The agent went to get an image.
    PullBegun {
        /// For this container.
        container: String,
    },
    /// An image is there.
    Pulled {
        /// For this container.
        container: String,
        /// How long the pull took in milliseconds; `None` when the image was there.
        took: Option<u64>,
    },
    /// Namespace, interface and endpoint stand.
    NetworkReady,
    /// A container exists.
    Created {
        /// The container.
        container: String,
    },
    /// A container's process runs.
    Started {
        /// The container.
        container: String,
    },
    /// A container's process ended, and by its restart policy another one takes its place.
    Restarting {
        /// The container.
        container: String,
        /// How the process ended.
        exit_code: i32,
        /// How long it ran in milliseconds.
        ran: u64,
    },
    /// A container's process runs again.
    Restarted {
        /// The container.
        container: String,
        /// How often it was started again by now.
        count: u32,
    },
    /// A health check changed its verdict.
    Health {
        /// The container.
        container: String,
        /// The verdict.
        status: HealthStatus,
    },
    /// The task is to stop.
    StopWanted {
        /// Why and by whom.
        reason: Reason,
    },
    /// A container's time to stop began.
    StopBegun {
        /// The container.
        container: String,
        /// When SIGKILL is due.
        deadline: Timestamp,
    },
    /// The host's clock was set: moments before were noted by another clock.
    ClockSet {
        /// Milliseconds; negative when it was set back.
        by: i64,
    },
    /// A signal was delivered.
    Signalled {
        /// The container.
        container: String,
        /// Its name.
        signal: String,
    },
    /// The kernel killed a process for memory.
    OutOfMemory {
        /// The container.
        container: String,
    },
    /// A container stopped.
    Stopped {
        /// The container.
        container: String,
        /// Its exit code, when known.
        exit_code: Option<i32>,
        /// Why.
        reason: Option<Reason>,
    },
    /// Nothing of a container is left in the runtime.
    Removed {
        /// The container.
        container: String,
    },
    /// Nothing of the task runs any more.
    Ended,
    /// Namespace, cgroup and directories are gone.
    Released,
    /// The control plane took a report.
    Told {
        /// The task's status.
        status: Status,
        /// Containers whose status was new to it.
        containers: Vec<(String, Status)>,
    },
    /// The control plane will never take a report; it counts as told.
    ReportRefused {
        /// The task's status.
        status: Status,
    },
    /// An act failed and is tried again. Not every try is a moment: the first, second, fourth, eighth…
    Failed {
        /// What failed.
        act: Act,
        /// The container, where it was on one.
        container: Option<String>,
        /// How often by now.
        attempt: u32,
        /// Why, where known.
        reason: Option<Reason>,
    },
}

impl Happening {
    /// Whether there can be many of it, so that the oldest go first.
    fn is_routine(&self) -> bool {
        match self {
            Self::Health { .. } | Self::Signalled { .. } | Self::PullBegun { .. } | Self::Failed { .. } => {
                true
            }
            Self::Queued { .. }
            | Self::OutOfMemory { .. }
            | Self::NetworkReady
            | Self::ClockSet { .. }
            | Self::Restarting { .. }
            | Self::Restarted { .. } => true,
            Self::Received
            | Self::Admitted
            | Self::Pulled { .. }
            | Self::Created { .. }
            | Self::Started { .. }
            | Self::StopWanted { .. }
            | Self::StopBegun { .. }
            | Self::Stopped { .. }
            | Self::Removed { .. }
            | Self::Ended
            | Self::Released
            | Self::Told { .. }
            | Self::ReportRefused { .. } => false,
        }
    }
}

impl Journal {
    /// The moments, oldest first.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// How many moments were dropped for others.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Adds moments; drops the oldest routine ones between the first and the last when there are too many.
    pub(crate) fn add(&mut self, moments: impl IntoIterator<Item = Moment>) {
        self.moments.extend(moments);
        while self.moments.len() > MOST {
            let middle = FIRST..self.moments.len() - LAST;
            let routine = middle.clone().find(|index| self.moments[*index].what.is_routine());
            self.moments.remove(routine.unwrap_or(middle.start));
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}
