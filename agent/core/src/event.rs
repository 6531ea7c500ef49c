//! What happened: every input of the machine.
//!
//! Events are facts in the past tense. They come from the control plane, from the ends of effects, from containerd's event
//! stream and from recovery. Each effect ends in exactly one event of the group "ends of effects".

use crate::clock::Ahead;
use crate::reason::Reason;
use crate::report::{AttachmentReport, TaskReport};
use crate::restart::Restarts;
use crate::spec::{AttachmentSpec, TaskSpec};
use crate::time::Timestamp;
use crate::work::Act;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_protocol::arn::TaskArn;

/// A container of a task, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerRef {
    /// The task.
    pub task: TaskArn,
    /// Name of the container in the task definition.
    pub container: String,
}

/// Everything that can happen to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    // ---- from the control plane ----
    /// A `PayloadMessage` came. Replied to with an ack once saved, unless one of its tasks was refused.
    PayloadReceived {
        /// Message to acknowledge.
        message_id: String,
        /// Raises the manifest high-water mark when larger (spec 3.5 step 7).
        sequence: Option<i64>,
        /// Its tasks in order.
        goals: Vec<Goal>,
    },
    /// An `AttachTaskNetworkInterfacesMessage` came.
    InterfaceAssigned {
        /// Message to acknowledge.
        message_id: String,
        /// The interface and the task it is for.
        attachment: AttachmentSpec,
    },
    /// A `TaskManifestMessage` came.
    ManifestReceived {
        /// Message to acknowledge.
        message_id: String,
        /// Ignored unless larger than every one seen.
        timeline: i64,
        /// Tasks that the control plane wants here, with whether it wants them running.
        tasks: BTreeMap<TaskArn, Desired>,
    },
    /// A `TaskStopVerificationAck` came.
    StopsVerified {
        /// Must be the id of the last manifest.
        message_id: String,
        /// Tasks to stop.
        tasks: Vec<TaskArn>,
    },

    // ---- ends of effects ----
    /// The task's namespace, interface and endpoint stand.
    NetworkReady {
        /// The task.
        task: TaskArn,
    },
    /// The network could not be made. What there is of it goes with the task.
    NetworkFailed {
        /// The task.
        task: TaskArn,
        /// Why.
        reason: Reason,
    },
    /// Namespace, interface, endpoint, cgroup and directories of the task are gone.
    TaskReleased {
        /// The task.
        task: TaskArn,
    },
    /// Something of the task could not be removed; it is tried again.
    ReleaseFailed {
        /// The task.
        task: TaskArn,
        /// Why.
        reason: Reason,
    },
    /// The image is in the store and unpacked.
    ImageReady {
        /// Container that wanted it.
        container: ContainerRef,
        /// What the image is.
        image: ResolvedImage,
    },
    /// The image could not be had; the registry's client has given up.
    ImageFailed {
        /// Container that wanted it.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// The image is one of those that the effect said to refuse; nothing of it reached the runtime.
    ImageRefused {
        /// Container that wanted it.
        container: ContainerRef,
        /// Digest of what its reference points at.
        digest: String,
    },
    /// The container exists in the runtime, not started.
    ContainerCreated {
        /// The container.
        container: ContainerRef,
    },
    /// The container could not be created. Nothing of it is left.
    CreateFailed {
        /// The container.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// The container's process runs.
    ContainerStarted {
        /// The container.
        container: ContainerRef,
        /// When it started.
        at: Timestamp,
    },
    /// The process could not be started; the container still has to be deleted.
    StartFailed {
        /// The container.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// There was nothing to start, and nothing of it runs: the runtime has undone its making, with the request of an agent that was
    /// killed over it, say. It was never started.
    ContainerUndone {
        /// The container.
        container: ContainerRef,
        /// What the runtime said.
        reason: Reason,
    },
    /// What was left of the container's process is cleared away; a new process waits to be started.
    ContainerRenewed {
        /// The container.
        container: ContainerRef,
    },
    /// No new process could be made for the container; it still has to be deleted.
    RenewFailed {
        /// The container.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// A signal was delivered, or there was nothing left to signal.
    SignalSent {
        /// The container.
        container: ContainerRef,
    },
    /// A signal could not be delivered; it is tried again.
    SignalFailed {
        /// The container.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// Task, container and snapshot are gone from the runtime. Also the answer for what never was.
    ContainerDeleted {
        /// The container.
        container: ContainerRef,
        /// The exit, where the runtime knew one that nobody had reported.
        exit: Option<Exit>,
        /// What was seen of it before it went.
        #[serde(default)]
        remains: Option<Remains>,
    },
    /// The runtime could not delete it; it is tried again.
    DeleteFailed {
        /// The container.
        container: ContainerRef,
        /// Why.
        reason: Reason,
    },
    /// What the runtime holds of the container, asked for because a start was not answered or no process was left to kill.
    ContainerInspected {
        /// The container.
        container: ContainerRef,
        /// What there is of it.
        seen: Option<Observation>,
    },
    /// The runtime was not there for an act on a container: nobody listened, or nobody answered. That is not the
    /// container's doing: the act is tried again, within its limit. Whether it was done is not known.
    Postponed {
        /// The container.
        container: ContainerRef,
        /// Which act: one on images or containers, or a probe.
        act: Act,
        /// What was met.
        reason: Reason,
        /// Digest of the image that containerd was busy with for the act, when it was there and ended meanwhile.
        #[serde(default)]
        suspect: Option<String>,
    },
    /// A health probe ended.
    HealthProbed {
        /// The container.
        container: ContainerRef,
        /// Exit code of the probe; `None` when it ran out of time or could not be run.
        exit_code: Option<i32>,
        /// First 4096 bytes of its output.
        output: String,
    },
    /// The control plane took a report of a task.
    TaskReported {
        /// What was taken.
        report: TaskReport,
    },
    /// The control plane will never take this report (`InvalidParameterException`): it counts as sent.
    TaskReportRefused {
        /// What was refused.
        report: TaskReport,
    },
    /// The report could not be delivered now; it is tried again.
    TaskReportFailed {
        /// The task.
        task: TaskArn,
    },
    /// The control plane took ATTACHED, or will never take it.
    AttachmentReported {
        /// What was taken.
        report: AttachmentReport,
    },
    /// The attachment report could not be delivered now; it is tried again.
    AttachmentReportFailed {
        /// The task of the attachment.
        task: TaskArn,
    },

    // ---- from the runtime, at any moment ----
    /// A container's main process ended, says the event stream or a reconcile.
    ContainerExited {
        /// The container.
        container: ContainerRef,
        /// How.
        exit: Exit,
    },
    /// The runtime's events do not flow any more: it ended, or the way to it did. `Observed` follows when they do again.
    RuntimeLost,
    /// The kernel killed a process of the container for memory. Not a state: only an exit is.
    OutOfMemory {
        /// The container.
        container: ContainerRef,
    },
    /// What the runtime holds for us, complete: what is not listed does not exist.
    Observed {
        /// Containers of ours, by name, in the runtime.
        containers: BTreeMap<ContainerRef, Observation>,
        /// What listed containers bear whose task the shell did not know.
        found: BTreeMap<TaskArn, Found>,
        /// The boot of the host in which this was seen, in the kernel's own words.
        boot: String,
        /// Effects in flight when the listing was begun may explain a difference; the first observation after a
        /// start is made with none in flight.
        recovery: bool,
    },
    /// The clock was read for the first time, or was found set. Comes before what else happened; a time in that may
    /// still be of the clock before.
    ClockRead(Ahead),
    /// Time passed; deadlines may be due.
    Woken,
}

/// What the control plane wants of one task of a payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Goal {
    /// The task is to run.
    Run(Box<TaskSpec>),
    /// The task is to stop. For an unknown task nothing is to be done but to say STOPPED.
    Stop(TaskArn),
    /// The task could not be understood: STOPPED is reported with this reason and the payload is not acknowledged.
    Refuse(TaskArn, Reason),
}

/// The two things a control plane can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Desired {
    /// The task is to run.
    Running,
    /// The task is to stop; it never runs again.
    Stopped,
}

/// What an image is, once it is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedImage {
    /// Name in the image store.
    pub name: String,
    /// Digest of the manifest, `sha256:…`; absent where the image was loaded from a file without one.
    pub digest: Option<String>,
    /// Digest of the configuration: Docker's image id, `sha256:…`.
    pub config_digest: String,
    /// When the pull began, if there was one.
    pub pull_started_at: Option<Timestamp>,
    /// When the pull ended.
    pub pull_stopped_at: Option<Timestamp>,
}

/// What is seen of a stopped container before its cgroup goes: for people, who also want to know why it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remains {
    /// Most memory it ever used in bytes, file cache included; `None` where the kernel does not tell.
    pub peak_memory: Option<u64>,
    /// Its memory limit in bytes, or its task's; `None` without one.
    pub memory_limit: Option<u64>,
    /// Whether the kernel killed a process of it for memory. The runtime tells that too, but not of what dies at once after its start.
    #[serde(default)]
    pub out_of_memory: bool,
    /// Its last lines of output; a few, and none of them long.
    pub last_lines: Vec<String>,
}

/// A task as its containers in the runtime bear it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its definition.
    pub spec: Box<TaskSpec>,
    /// Its containers that are in the runtime, by name.
    pub containers: BTreeMap<String, FoundContainer>,
}

/// What the runtime and the kernel know of a container besides its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundContainer {
    /// Its image.
    pub image: Option<ResolvedImage>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When its process started, while it runs.
    pub started_at: Option<Timestamp>,
    /// What is noted on it of its restarts.
    #[serde(default)]
    pub restarts: Option<Restarts>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; 128 + signal number for a signal.
    pub code: i32,
    /// When.
    pub at: Timestamp,
}

/// What the runtime knows of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// The container exists, its process was never started.
    Created,
    /// Its process runs.
    Running {
        /// Process id on the host.
        pid: u32,
        /// Since when, where the kernel says so.
        #[serde(default)]
        since: Option<Timestamp>,
    },
    /// Its process has ended.
    Exited(Exit),
    /// The runtime has the container's record and no process; what became of it cannot be known.
    Vanished,
}
