//! Container instances: hosts whose agents registered.

use super::resources::Capacity;
use super::table::Record;
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_protocol::arn::ContainerInstanceArn;

/// Whether an instance takes new tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceStatus {
    /// It takes tasks.
    Active,
    /// It keeps its tasks and takes no new ones.
    Draining,
    /// It was deregistered: its agent is refused.
    Inactive,
}

impl InstanceStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// A registered host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub arn: ContainerInstanceArn,
    /// Name of the cluster it belongs to.
    pub cluster: String,
    /// Whether it takes tasks.
    pub status: InstanceStatus,
    /// `instanceId` of the identity document, when there was one.
    pub ec2_instance_id: Option<String>,
    /// Counts the changes of this instance.
    pub version: i64,
    /// When it first registered.
    pub registered_at: Time,
    /// What it offers.
    pub capacity: Capacity,
    /// What it can do and is; a name without a value is a capability.
    pub attributes: BTreeMap<String, Option<String>>,
    /// The operator's tags.
    pub tags: BTreeMap<String, String>,
    /// `clientToken` of the last registration, so that a repeated one is not a second instance.
    pub client_token: Option<String>,
    /// Number of the last task manifest; strictly increasing, because agents ignore any other (spec 3.5).
    pub timeline: i64,
    /// What its agent said about itself when it last connected.
    pub agent: AgentVersion,
}

/// Versions from the query of the ACS handshake (spec 3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentVersion {
    /// `agentVersion`.
    pub version: Option<String>,
    /// `agentHash`.
    pub hash: Option<String>,
    /// `dockerVersion`; `containerd` for an agent without Docker.
    pub runtime: Option<String>,
}

impl Record for Instance {
    const TABLE: &'static str = "container_instance";
    type Key = ContainerInstanceArn;
    fn key(&self) -> ContainerInstanceArn {
        self.arn.clone()
    }
}

/// Attributes in these name spaces belong to ECS: the agent states them anew at each registration.
pub fn is_reserved_attribute(name: &str) -> bool {
    name.starts_with("ecs.") || name.starts_with("com.amazonaws.ecs.")
}
