//! What is to be done: every output of the machine.
//!
//! Effects are imperatives derived from state by `plan`, safe to repeat, and each ends in exactly one [`Event`](crate::event::Event).
//! Names are derived from task, container and attempt, so an effect done twice is done once.

use crate::event::{ContainerRef, ResolvedImage};
use crate::report::{AttachmentReport, TaskReport};
use crate::restart::Restarts;
use crate::spec::{HealthCheck, Interface, TaskSpec};
use std::sync::Arc;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

/// An act of the shell on the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make namespace, interface and endpoint. Ends in `NetworkReady` or `NetworkFailed`.
    PrepareNetwork {
        /// The task.
        task: TaskArn,
        /// What to make; `None` for a namespace with nothing but loopback.
        interface: Option<Interface>,
    },
    /// Remove namespace, interface, endpoint, task cgroup and directories. Ends in `TaskReleased` or `ReleaseFailed`.
    ReleaseTask {
        /// The task.
        task: TaskArn,
    },
    /// Have the image in the store and unpacked. Ends in `ImageReady`, `ImageFailed`, `ImageRefused` or `Postponed`.
    PullImage {
        /// Container that wants it.
        container: ContainerRef,
        /// Reference as written in the definition.
        image: String,
        /// Digests of which nothing may reach the runtime.
        refused: Vec<String>,
    },
    /// Create the container. Ends in `ContainerCreated`, `CreateFailed` or `Postponed`.
    CreateContainer {
        /// The container.
        container: ContainerRef,
        /// Its task, for every detail.
        spec: Arc<TaskSpec>,
        /// Its image.
        image: ResolvedImage,
    },
    /// Start the container's process. Ends in `ContainerStarted`, `StartFailed`, `ContainerUndone`,
    /// `ContainerInspected` or `Postponed`.
    StartContainer {
        /// The container.
        container: ContainerRef,
    },
    /// Clear away what is left of the container's process, which has ended, and make a new one in its place: same record, same
    /// root file system. Nothing that runs is touched. Ends in `ContainerRenewed`, `RenewFailed`, `Postponed`, or `ContainerInspected`
    /// where a process lives.
    RenewContainer {
        /// The container.
        container: ContainerRef,
        /// Its task, for where its output goes.
        spec: Arc<TaskSpec>,
        /// What to note on the container.
        restarts: Restarts,
    },
    /// Ask the runtime what became of a container. Ends in `ContainerInspected` or `Postponed`.
    InspectContainer {
        /// The container.
        container: ContainerRef,
    },
    /// Send a signal to the main process. Ends in `SignalSent`, `SignalFailed`, or `ContainerInspected` where none was left to kill.
    SignalContainer {
        /// The container.
        container: ContainerRef,
        /// Which signal.
        signal: StopSignal,
    },
    /// Delete task, container and snapshot, killing what runs. Ends in `ContainerDeleted` or `DeleteFailed`.
    DeleteContainer {
        /// The container.
        container: ContainerRef,
    },
    /// Run a health probe after a delay. Ends in `HealthProbed` or `Postponed`.
    ProbeHealth {
        /// The container.
        container: ContainerRef,
        /// The check to run.
        check: HealthCheck,
    },
    /// Tell the control plane of a task. Ends in `TaskReported`, `TaskReportRefused` or `TaskReportFailed`.
    ReportTask {
        /// What to tell.
        report: TaskReport,
        /// How long to wait first: the backoff of a report that failed before.
        after: Duration,
    },
    /// Tell the control plane that an interface is there. Ends in `AttachmentReported` or `AttachmentReportFailed`.
    ReportAttachment {
        /// What to tell.
        report: AttachmentReport,
        /// How long to wait first.
        after: Duration,
    },
}

/// The two signals that stop a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopSignal {
    /// The polite one: the container's own stop signal, or SIGTERM.
    Polite(Option<String>),
    /// SIGKILL.
    Kill,
}

/// What leaves towards the control plane at once, after the save and before the effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `AckRequest` for this message.
    Ack {
        /// The message.
        message_id: String,
    },
    /// `TaskStopVerificationMessage` with these candidates.
    VerifyStops {
        /// Id of the manifest.
        message_id: String,
        /// Tasks that run here and that the manifest does not want.
        candidates: Vec<TaskArn>,
    },
}
