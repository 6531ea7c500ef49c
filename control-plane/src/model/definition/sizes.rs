//! How much a task takes: the task's own size where it has one, else the sum over its containers.

use super::super::resources::Demand;
use wharf_protocol::api;

/// A task size that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Invalid '{what}' setting for task: '{text}' is neither a number of {unit} nor a size such as '{example}'."
)]
pub struct SizeError {
    what: &'static str,
    text: String,
    unit: &'static str,
    example: &'static str,
}

/// CPU units of a task's `cpu`: `256`, or `.25 vCPU`.
pub fn task_cpu(text: Option<&str>) -> Result<Option<i64>, SizeError> {
    let fault =
        |text: &str| SizeError { what: "cpu", text: text.to_owned(), unit: "CPU units", example: "1 vCPU" };
    text.map(|text| size(text, "vcpu").ok_or_else(|| fault(text))).transpose()
}

/// MiB of a task's `memory`: `512`, or `1 GB`.
pub fn task_memory(text: Option<&str>) -> Result<Option<i64>, SizeError> {
    let fault =
        |text: &str| SizeError { what: "memory", text: text.to_owned(), unit: "MiB", example: "1 GB" };
    text.map(|text| size(text, "gb").ok_or_else(|| fault(text))).transpose()
}

/// A whole number, or a decimal number of a unit that is 1024 of the small ones.
fn size(text: &str, unit: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let small = match text.strip_suffix(unit) {
        Some(number) => {
            let value = number.trim().parse::<f64>().ok()? * 1024.0;
            (value.is_finite() && value < 1e9).then_some(value as i64)?
        }
        None => text.parse().ok()?,
    };
    (1..1_000_000_000).contains(&small).then_some(small)
}

/// What a task of this definition takes from its instance.
pub fn demand(document: &api::TaskDefinition) -> Demand {
    let containers = &document.container_definitions;
    let cpu = task_cpu(document.cpu.as_deref()).ok().flatten();
    let memory = task_memory(document.memory.as_deref()).ok().flatten();
    let of =
        |container: &api::ContainerDefinition| container.memory_reservation.or(container.memory).unwrap_or(0);
    let mut demand = Demand {
        cpu: cpu.unwrap_or_else(|| sum(containers.iter().filter_map(|container| container.cpu))),
        memory: memory.unwrap_or_else(|| sum(containers.iter().map(of))),
        gpus: containers.iter().map(gpus).fold(0, usize::saturating_add),
        ..Demand::default()
    };
    if matches!(document.network_mode.as_deref(), None | Some("bridge" | "host")) {
        for port in containers.iter().flat_map(|container| &container.port_mappings) {
            take(&mut demand, port);
        }
    }
    demand
}

/// What is more than any host has stays more than any host has.
fn sum(amounts: impl Iterator<Item = i64>) -> i64 {
    amounts.fold(0, i64::saturating_add)
}

fn take(demand: &mut Demand, port: &api::PortMapping) {
    let Some(number) =
        port.host_port.and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
    else {
        return; // the agent picks one
    };
    match port.protocol.as_deref() {
        Some("udp") => demand.ports.udp.insert(number),
        Some(_) | None => demand.ports.tcp.insert(number),
    };
}

fn gpus(container: &api::ContainerDefinition) -> usize {
    let wanted = container.resource_requirements.iter().filter(|need| need.r#type.as_deref() == Some("GPU"));
    wanted.filter_map(|need| need.value.as_deref()?.parse::<usize>().ok()).fold(0, usize::saturating_add)
}
