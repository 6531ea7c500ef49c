//! A container of a task, as far as the agent reported it.

use serde::{Deserialize, Serialize};
use wharf_protocol::api;

/// `lastStatus` of a container, in the only order it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContainerStatus {
    /// Not running yet.
    Pending,
    /// Running.
    Running,
    /// Ended.
    Stopped,
}

impl ContainerStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// A container of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    /// Its name in the definition.
    pub name: String,
    /// `containerArn`.
    pub arn: String,
    /// How far it is.
    pub status: ContainerStatus,
    /// Its id in the runtime.
    pub runtime_id: Option<String>,
    /// Digest of its image.
    pub image_digest: Option<String>,
    /// How it ended, when that is known.
    pub exit_code: Option<i64>,
    /// Why it ended, when that needs words.
    pub reason: Option<String>,
    /// Published ports.
    pub bindings: Vec<api::NetworkBinding>,
    /// Agents that run in it, such as the one for ECS Exec.
    pub managed_agents: Vec<api::ManagedAgent>,
}

impl Container {
    /// A container of which nothing is known yet.
    pub fn new(name: String, arn: String) -> Self {
        Self {
            name,
            arn,
            status: ContainerStatus::Pending,
            runtime_id: None,
            image_digest: None,
            exit_code: None,
            reason: None,
            bindings: Vec::new(),
            managed_agents: Vec::new(),
        }
    }
}
