//! Task definitions: documents that are registered once and never change, numbered by family.
//!
//! `check` says whether a document is one ECS would take, `requires` what an instance must be able to do, `sizes` how much it takes.

mod check;
mod merge;
mod requires;
mod sizes;

pub use merge::with_overrides;
pub use sizes::{SizeError, demand, task_cpu, task_memory};

use super::error::EcsError;
use super::table::Record;
use super::tags;
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use wharf_protocol::api;
use wharf_protocol::arn::TaskDefinitionArn;

/// `family:number`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// The family's name.
    pub family: String,
    /// Counts from 1 in each family.
    pub number: u32,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.number)
    }
}

/// A registered task definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub revision: Revision,
    /// What was registered, with ECS's defaults filled in.
    pub document: api::TaskDefinition,
    /// The operator's tags.
    pub tags: BTreeMap<String, String>,
}

impl Record for Definition {
    const TABLE: &'static str = "task_definition";
    type Key = Revision;
    fn key(&self) -> Revision {
        self.revision.clone()
    }
}

/// How a caller names a task definition: an ARN, `family:revision`, or `family` for its latest active revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// One revision.
    Exact(Revision),
    /// The latest active one of this family.
    Latest(String),
}

impl Reference {
    /// Reads any of the three forms; `None` when the text is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        let name = match TaskDefinitionArn::parse(text) {
            Ok(arn) => arn.id().to_owned(),
            Err(_) => text.to_owned(),
        };
        match name.split_once(':') {
            Some((family, number)) => {
                let number = number.parse().ok()?;
                is_family(family).then(|| Self::Exact(Revision { family: family.to_owned(), number }))
            }
            None => is_family(&name).then_some(Self::Latest(name)),
        }
    }
}

impl Definition {
    /// Whether new tasks may use it.
    pub fn is_active(&self) -> bool {
        self.document.status.as_deref() == Some("ACTIVE")
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        self.document.task_definition_arn.as_deref().unwrap_or_default()
    }

    /// Checks the request and makes revision `number` of its family from it.
    pub fn register(
        request: api::RegisterTaskDefinitionRequest,
        number: u32,
        arn: impl FnOnce(&Revision) -> String,
        now: Time,
    ) -> Result<Self, EcsError> {
        check::check(&request)?;
        let tags = tags::from_api(&request.tags)?;
        let revision = Revision { family: request.family.clone().unwrap_or_default(), number };
        let mut document = document(request);
        document.task_definition_arn = Some(arn(&revision));
        document.revision = Some(i64::from(number));
        document.status = Some("ACTIVE".to_owned());
        document.registered_at = Some(now.into());
        document.requires_attributes = requires::attributes(&document);
        document.compatibilities = compatibilities(&document);
        Ok(Self { revision, document, tags })
    }
}

/// Whether the text may be a family's name: letters, digits, hyphens and underscores, at most 255.
fn is_family(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 255 && text.chars().all(allowed)
}

fn document(request: api::RegisterTaskDefinitionRequest) -> api::TaskDefinition {
    let mode = request.network_mode.clone();
    let containers = request.container_definitions.into_iter();
    api::TaskDefinition {
        family: request.family,
        container_definitions: containers.map(|container| defaults(container, mode.as_deref())).collect(),
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        network_mode: request.network_mode,
        volumes: request.volumes,
        placement_constraints: request.placement_constraints,
        runtime_platform: request.runtime_platform,
        requires_compatibilities: request.requires_compatibilities,
        cpu: request.cpu,
        memory: request.memory,
        inference_accelerators: request.inference_accelerators,
        pid_mode: request.pid_mode,
        ipc_mode: request.ipc_mode,
        proxy_configuration: request.proxy_configuration,
        ephemeral_storage: request.ephemeral_storage,
        enable_fault_injection: request.enable_fault_injection,
        trusted_execution_configuration: request.trusted_execution_configuration,
        ..api::TaskDefinition::default()
    }
}

/// Fills in what ECS fills in: a described definition shows the values that apply.
fn defaults(mut container: api::ContainerDefinition, mode: Option<&str>) -> api::ContainerDefinition {
    container.cpu.get_or_insert(0);
    container.essential.get_or_insert(true);
    for port in &mut container.port_mappings {
        port.protocol.get_or_insert_with(|| "tcp".to_owned());
        if let Some(number) = port.container_port {
            let same = matches!(mode, Some("awsvpc" | "host"));
            port.host_port.get_or_insert(if same { number } else { 0 });
        }
    }
    if let Some(health) = &mut container.health_check {
        health.interval.get_or_insert(30);
        health.timeout.get_or_insert(5);
        health.retries.get_or_insert(3);
    }
    container
}

fn compatibilities(document: &api::TaskDefinition) -> Vec<String> {
    let external = document.network_mode.as_deref() != Some("awsvpc");
    let names = if external { &["EXTERNAL", "EC2"][..] } else { &["EC2"][..] };
    names.iter().map(|name| (*name).to_owned()).collect()
}
