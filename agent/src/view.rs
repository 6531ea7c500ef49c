//! What the rest of the agent may read of the node: a snapshot that the owner loop publishes after each turn.
//!
//! Owns plain data, ready to be rendered for containers, operators and telemetry. Refuses decisions and changes: nobody writes
//! through a view, and a reader that holds an old one is merely late.

mod project;

use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_core::event::{Desired, ResolvedImage};
use wharf_core::health::HealthStatus;
use wharf_core::spec::{ContainerSpec, TaskSpec};
use wharf_core::time::Timestamp;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

pub use project::tasks;
pub use wharf_core::task::runtime_id;

/// The node at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// The host and its place.
    pub host: Arc<HostView>,
    /// Every task that the node knows, stopped ones too until they are forgotten.
    pub tasks: BTreeMap<TaskArn, Arc<TaskView>>,
}

/// The host as containers are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostView {
    /// Cluster as configured: a name or an ARN.
    pub cluster: String,
    /// Set once the host has registered.
    pub container_instance_arn: Option<ContainerInstanceArn>,
    /// E.g. `us-west-2a`, where one is known.
    pub availability_zone: Option<String>,
    /// E.g. `usw2-az1`, where one is known.
    pub availability_zone_id: Option<String>,
    /// VPC of the host, where one is known.
    pub vpc_id: Option<String>,
}

/// A task at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// What it was asked to be.
    pub spec: Arc<TaskSpec>,
    /// What is wanted of it.
    pub desired: Desired,
    /// How far it is.
    pub known: Stage,
    /// When its first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When its last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When its first essential container stopped.
    pub execution_stopped_at: Option<Timestamp>,
    /// Its containers, in the order of `spec.containers`.
    pub containers: Vec<ContainerView>,
}

impl TaskView {
    /// Each container's definition with its state.
    pub fn containers(&self) -> impl Iterator<Item = (&ContainerSpec, &ContainerView)> {
        self.spec.containers.iter().zip(&self.containers)
    }

    /// The container that this metadata id (`/v4/<id>`) belongs to.
    pub fn by_metadata_id(&self, id: &str) -> Option<(&ContainerSpec, &ContainerView)> {
        self.containers().find(|(spec, _)| spec.metadata_id == id)
    }

    /// Whether one of the task's two roles has these credentials.
    pub fn has_credentials(&self, id: &str) -> bool {
        [&self.spec.credentials_id, &self.spec.execution_credentials_id]
            .into_iter()
            .flatten()
            .any(|own| own == id)
    }
}

/// A container at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerView {
    /// What is wanted of it.
    pub desired: Desired,
    /// How far it is.
    pub known: Stage,
    /// Its image, once resolved.
    pub image: Option<ResolvedImage>,
    /// When it was created in the runtime.
    pub created_at: Option<Timestamp>,
    /// When its process was last started.
    pub started_at: Option<Timestamp>,
    /// When its process ended.
    pub finished_at: Option<Timestamp>,
    /// How its process ended.
    pub exit_code: Option<i32>,
    /// How often it was started again in place; `None` without a restart policy.
    pub restarts: Option<u32>,
    /// Its health; `None` where no check is defined.
    pub health: Option<HealthView>,
}

/// How far a task or container is. Source: features 7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing has been done for it.
    None,
    /// Its image is there.
    Pulled,
    /// It exists in the runtime.
    Created,
    /// It runs.
    Running,
    /// It has ended; final.
    Stopped,
}

impl Stage {
    /// ECS's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Pulled => "PULLED",
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// What the last probes of a container said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthView {
    /// The verdict.
    pub status: HealthStatus,
    /// Since when.
    pub since: Timestamp,
    /// Exit code of the last probe.
    pub exit_code: Option<i32>,
    /// Output of the last probe.
    pub output: String,
}

/// ECS's word for what is wanted.
pub const fn desired_word(desired: Desired) -> &'static str {
    match desired {
        Desired::Running => "RUNNING",
        Desired::Stopped => "STOPPED",
    }
}
