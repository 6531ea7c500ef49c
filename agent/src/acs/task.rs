//! A task of a payload as a [`TaskSpec`]. Source: spec 3.8, features 3.

use super::container;
use super::interface;
use super::payload::Policy;
use super::refusal::{Refusal, unused};
use super::volume;
use std::collections::BTreeSet;
use wharf_core::spec::{Network, TaskSpec};
use wharf_protocol::acs::Task;
use wharf_protocol::arn::TaskArn;

/// CPU units of one vCPU.
const UNITS_PER_VCPU: f64 = 1024.0;

/// Reads everything but the credentials, of which only the ids (application, execution) become part of the definition.
pub(super) fn convert(
    arn: &TaskArn,
    task: &Task,
    [credentials_id, execution_credentials_id]: [Option<String>; 2],
    policy: &Policy,
    new_id: &mut dyn FnMut() -> String,
) -> Result<TaskSpec, Refusal> {
    check_id(arn)?;
    check_unsupported(task)?;
    let (cpu, memory) = (cpu(task.cpu)?, memory(task.memory)?);
    let network = network(task, policy)?;
    // Credentials are served inside a network namespace of the task's own.
    let on_host = matches!(network, Network::Host);
    unused("roleCredentials with networkMode host", on_host && credentials_id.is_some())?;
    let volumes = volume::convert(&task.volumes)?;
    let around = container::Around { network: &network, volumes: &volumes, memory, policy };
    let containers = task
        .containers
        .iter()
        .map(|c| container::convert(c, &around, new_id))
        .collect::<Result<Vec<_>, _>>()?;
    if containers.is_empty() {
        return Err(Refusal::missing("containers"));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = containers.iter().find(|container| !names.insert(container.name.as_str())) {
        return Err(Refusal::wrong("containers[].name", &twice.name, "a name that no other container has"));
    }
    Ok(TaskSpec {
        arn: arn.clone(),
        family: task.family.clone().unwrap_or_default(),
        version: task.version.clone().unwrap_or_default(),
        service_name: task.service_name.clone().filter(|name| !name.is_empty()),
        launch_type: task.launch_type.clone().filter(|name| !name.is_empty()),
        network,
        cpu,
        memory,
        containers,
        volumes,
        credentials_id,
        execution_credentials_id,
    })
}

/// The id becomes the name of directories, namespaces, cgroups and containers.
pub(super) fn check_id(arn: &TaskArn) -> Result<(), Refusal> {
    let id = arn.id();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.len() <= 64 && id.bytes().all(plain) && id.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Refusal::wrong("arn", arn, "an id of at most 64 letters, digits, '-' and '_'"))
}

fn check_unsupported(task: &Task) -> Result<(), Refusal> {
    let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    unused("associations", !task.associations.is_empty())?;
    unused("attachments", !task.attachments.is_empty())?;
    unused("pidMode", set(&task.pid_mode))?;
    unused("ipcMode", set(&task.ipc_mode))?;
    unused("proxyConfiguration", task.proxy_configuration.is_some())?;
    unused("enableFaultInjection", task.enable_fault_injection == Some(true))
}

/// vCPUs as CPU units; absent and 0 are no limit.
fn cpu(vcpus: Option<f64>) -> Result<Option<u32>, Refusal> {
    let vcpus = vcpus.unwrap_or(0.0);
    if !(0.0..=65_536.0).contains(&vcpus) {
        return Err(Refusal::wrong("cpu", vcpus, "a number of vCPUs"));
    }
    // In range by the check above. What rounds to no unit at all is still a limit.
    let units = (vcpus * UNITS_PER_VCPU).round() as u32;
    Ok((vcpus > 0.0).then_some(units.max(1)))
}

/// MiB; absent and 0 are no limit.
fn memory(mebibytes: Option<i64>) -> Result<Option<u32>, Refusal> {
    let mebibytes = mebibytes.unwrap_or(0);
    match u32::try_from(mebibytes) {
        Ok(limit) => Ok(Some(limit).filter(|limit| *limit > 0)),
        Err(_) => Err(Refusal::wrong("memory", mebibytes, "a number of MiB")),
    }
}

fn network(task: &Task, policy: &Policy) -> Result<Network, Refusal> {
    match task.network_mode.as_deref().unwrap_or_default() {
        "awsvpc" if policy.task_eni => match task.elastic_network_interfaces.as_slice() {
            [] => Err(Refusal::missing("elasticNetworkInterfaces")),
            [eni] => Ok(Network::Awsvpc(interface::convert("elasticNetworkInterfaces[0]", eni)?)),
            [_, _, ..] => Err(Refusal::unsupported("elasticNetworkInterfaces with more than one interface")),
        },
        "awsvpc" => Err(Refusal::Unsupported {
            field: "networkMode awsvpc".to_owned(),
            instead: "it is switched off here by ECS_ENABLE_TASK_ENI",
        }),
        "host" => Ok(Network::Host),
        "none" => Ok(Network::None),
        // Absent means bridge (spec 5).
        "" | "bridge" => Err(Refusal::Unsupported {
            field: "networkMode bridge".to_owned(),
            instead: "use awsvpc, host or none",
        }),
        other => Err(Refusal::wrong("networkMode", other, "awsvpc, host or none")),
    }
}
