//! What the shell may write into its log: the core does not log.

use crate::event::{ContainerRef, Observation};
use crate::reason::Reason;
use crate::report::{Status, TaskReport};
use crate::work::Act;
use wharf_protocol::arn::TaskArn;

/// A fact worth a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A task was taken on.
    TaskAccepted {
        /// The task.
        task: TaskArn,
    },
    /// A task could not be taken on; its payload is not acknowledged.
    TaskRefused {
        /// The task.
        task: TaskArn,
        /// Why.
        reason: Reason,
    },
    /// A task is to stop.
    TaskStopping {
        /// The task.
        task: TaskArn,
        /// Why, when there is more to say than that it was asked to or that an essential container stopped.
        reason: Option<Reason>,
    },
    /// The status of a task changed.
    TaskChanged {
        /// The task.
        task: TaskArn,
        /// Its status now.
        status: Status,
    },
    /// The record of a task was dropped, its retention being over.
    TaskForgotten {
        /// The task.
        task: TaskArn,
    },
    /// A container entered a phase.
    ContainerChanged {
        /// The container.
        container: ContainerRef,
        /// Name of the phase: `resolved`, `created`, `running`, `restarting`, `stopped` or `removed`.
        phase: &'static str,
        /// Exit code, when its process ended with one.
        exit_code: Option<i32>,
        /// Why it stopped, when there is more to say than the exit code.
        reason: Option<Reason>,
    },
    /// The kernel killed a process of a container for memory.
    OutOfMemory {
        /// The container.
        container: ContainerRef,
    },
    /// The wall clock was set. Deadlines move along with it.
    ClockSet {
        /// Milliseconds; negative when it was set back.
        by: i64,
    },
    /// A task that nobody remembered was taken over from what its containers bear.
    TaskAdopted {
        /// The task.
        task: TaskArn,
        /// How many of its containers run.
        running: usize,
    },
    /// The host was started again since the runtime was last seen.
    HostRebooted,
    /// The runtime has a container of ours whose task nobody knows.
    Orphan {
        /// The container.
        container: ContainerRef,
        /// What the runtime shows.
        seen: Observation,
    },
    /// The runtime does not show a container that should be there; if that is still so next time it counts as gone.
    Missing {
        /// The container.
        container: ContainerRef,
    },
    /// An act failed and is tried again.
    WillRetry {
        /// The task.
        task: TaskArn,
        /// The container, when the act was on one.
        container: Option<String>,
        /// What failed.
        act: Act,
        /// How often by now.
        attempt: u32,
        /// Why, when known.
        reason: Option<Reason>,
    },
    /// Some SIGKILLs did not end a container; it is tried on. Someone should look at the host.
    CannotStop {
        /// The container.
        container: ContainerRef,
        /// SIGKILLs so far.
        attempts: u32,
    },
    /// The control plane will never take a report; it counts as sent.
    ReportRefused {
        /// The report.
        report: TaskReport,
    },
    /// An interface was announced whose task never came.
    AttachmentLapsed {
        /// The task it was for.
        task: TaskArn,
    },
    /// containerd ended while it was busy with an image, which may or may not be the cause.
    ImageSuspected {
        /// Reference that was used.
        reference: String,
        /// What it points at.
        digest: String,
        /// What was done with it.
        act: Act,
    },
    /// An image crashes containerd and is kept out. Someone should look at it.
    ImageQuarantined {
        /// Reference that was used.
        reference: String,
        /// What it points at.
        digest: String,
        /// What was done with it.
        act: Act,
    },
    /// Nothing is held against an image any more.
    ImageCleared {
        /// Its digest.
        digest: String,
    },
    /// A message or an event came too late, twice, or for something unknown; nothing was done.
    Ignored {
        /// What came.
        what: &'static str,
        /// What it was about.
        about: String,
    },
}
