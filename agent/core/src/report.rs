//! What the control plane is told: values ready to be put on the wire. Source: spec 2.5.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use wharf_protocol::arn::TaskArn;

/// Status words of `SubmitTaskStateChange`, in their order: a report never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// Accepted; images are being resolved, containers created.
    Pending,
    /// Running.
    Running,
    /// Ended; final.
    Stopped,
}

impl Status {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// One `SubmitTaskStateChange` of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The task.
    pub task: TaskArn,
    /// Its status.
    pub status: Status,
    /// Why it stopped; empty otherwise. At most 1024 characters.
    pub reason: String,
    /// Containers whose status is new since the last report, in the order of the definition.
    pub containers: Vec<ContainerReport>,
    /// When the first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When the last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When the first essential container stopped.
    pub execution_stopped_at: Option<Timestamp>,
}

/// A container's part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerReport {
    /// Name of the container.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// Id in the runtime, once created.
    pub runtime_id: Option<String>,
    /// Digest of the image's manifest, once known.
    pub image_digest: Option<String>,
    /// Exit code, only when known.
    pub exit_code: Option<i32>,
    /// Why it stopped. At most 1024 characters.
    pub reason: Option<String>,
}

/// One `SubmitTaskStateChange` that says ATTACHED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentReport {
    /// Task that the interface is for.
    pub task: TaskArn,
    /// The attachment.
    pub attachment_arn: String,
}
