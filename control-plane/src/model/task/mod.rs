//! Tasks: what was asked for, what the agent reported, and the order between the two.
//!
//! ```text
//! PROVISIONING ──ATTACHED──▶ PENDING ──RUNNING──▶ RUNNING ──stop──▶ DEACTIVATING ──acknowledged──▶ STOPPING ──STOPPED──▶ STOPPED
//!        └────────────────────────┴─────────────────────┴── STOPPED reported, or never handed to the agent ─────────────▶ STOPPED
//! ```
//!
//! A status never goes backwards. ACTIVATING and DEPROVISIONING are left out: nothing here takes time in them.

mod container;
mod interface;
mod report;

pub use container::{Container, ContainerStatus};
pub use interface::{AttachmentStatus, Interface};
pub use report::{ContainerReport, Report, Reported, attached_ids};

use super::definition::Revision;
use super::resources::Demand;
use super::table::Record;
use super::tags::Tags;
use super::time::Time;
use serde::{Deserialize, Serialize};
use wharf_protocol::api;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// `lastStatus`, in the only order it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LastStatus {
    /// Its interface is not attached yet.
    Provisioning,
    /// The agent has it, or is to get it.
    Pending,
    /// The agent reported it running.
    Running,
    /// It was told to stop; the agent has not acknowledged.
    Deactivating,
    /// The agent acknowledged the stop.
    Stopping,
    /// It is over.
    Stopped,
}

impl LastStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// `stopCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// An essential container ended by itself.
    EssentialContainerExited,
    /// Somebody called StopTask or deregistered its instance.
    UserInitiated,
}

impl StopCode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
        }
    }
}

/// Why a task ends. Its presence is what `desiredStatus: STOPPED` means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The kind of reason.
    pub code: StopCode,
    /// The reason in words.
    pub reason: String,
    /// `stoppingAt`.
    pub at: Time,
}

/// What a caller gave along at launch and sees again when describing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Launch {
    /// `group`.
    pub group: String,
    /// `startedBy`.
    pub started_by: Option<String>,
    /// `launchType`.
    pub launch_type: String,
    /// Laid over the definition.
    pub overrides: api::TaskOverride,
    /// The operator's tags.
    pub tags: Tags,
    /// `clientToken` and a digest of the request that bore it.
    pub token: Option<(String, String)>,
}

/// Identity and life of the credentials of one role; the secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// `credentialsId`, the same for the task's whole life.
    pub id: String,
    /// The role.
    pub role: String,
    /// When the last credentials that were sent expire.
    pub expires_at: Option<Time>,
}

/// The moments a described task shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moments {
    /// When it was launched.
    pub created: Time,
    /// When the first image pull began.
    pub pull_started: Option<Time>,
    /// When the last image pull ended.
    pub pull_stopped: Option<Time>,
    /// When it was reported running.
    pub started: Option<Time>,
    /// When its first essential container stopped.
    pub execution_stopped: Option<Time>,
    /// When it was over.
    pub stopped: Option<Time>,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub arn: TaskArn,
    /// Name of its cluster.
    pub cluster: String,
    /// What it runs.
    pub definition: Revision,
    /// Where it runs.
    pub instance: ContainerInstanceArn,
    /// What the caller gave along.
    pub launch: Launch,
    /// What it takes from its instance until it is stopped.
    pub demand: Demand,
    /// How far it is.
    pub status: LastStatus,
    /// Why it ends, once it shall.
    pub stop: Option<Stop>,
    /// Whether anything of it was sent to the agent; from then on only the agent can say that it is stopped.
    pub handed_over: bool,
    /// Its containers, in the definition's order.
    pub containers: Vec<Container>,
    /// Its network interface, when its network mode is awsvpc.
    pub interface: Option<Interface>,
    /// Credentials of its task role.
    pub task_role: Option<Grant>,
    /// Credentials of its execution role.
    pub execution_role: Option<Grant>,
    /// When what happened.
    pub moments: Moments,
    /// Counts the changes of this task.
    pub version: i64,
}

impl Record for Task {
    const TABLE: &'static str = "task";
    type Key = TaskArn;
    fn key(&self) -> TaskArn {
        self.arn.clone()
    }
}

impl Task {
    /// Its id, the last part of its ARN.
    pub fn id(&self) -> &str {
        self.arn.id()
    }

    /// Whether it is over.
    pub fn is_stopped(&self) -> bool {
        self.status == LastStatus::Stopped
    }

    /// Whether it shall end or has.
    pub fn shall_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether its interface, if it has one, is ready.
    pub fn is_attached(&self) -> bool {
        self.interface.as_ref().is_none_or(|interface| interface.status >= AttachmentStatus::Attached)
    }

    /// Moves on to `status`; nothing when it is that far already.
    pub fn advance(&mut self, status: LastStatus, now: Time) {
        if status > self.status {
            self.status = status;
            self.version += 1;
            if status == LastStatus::Stopped {
                self.moments.stopped = Some(now);
            }
        }
    }

    /// Orders the task to end; the first order counts. What the agent never heard of is over at once.
    pub fn order_stop(&mut self, code: StopCode, reason: &str, now: Time) {
        if self.stop.is_none() {
            self.stop = Some(Stop { code, reason: reason.to_owned(), at: now });
            self.version += 1;
        }
        if self.handed_over { self.advance(LastStatus::Deactivating, now) } else { self.end(now) }
    }

    /// Makes the task and all of it stopped.
    fn end(&mut self, now: Time) {
        self.advance(LastStatus::Stopped, now);
        for container in &mut self.containers {
            container.status = ContainerStatus::Stopped;
        }
        if let Some(interface) = &mut self.interface {
            interface.status = AttachmentStatus::Deleted;
        }
    }
}
