//! A definition with a launch's overrides laid over it: what the task really runs.

use super::super::error::EcsError;
use super::sizes::{task_cpu, task_memory};
use wharf_protocol::api;

/// Lays the overrides over the document; refuses one for a container that is not there.
pub fn with_overrides(
    document: &api::TaskDefinition,
    overrides: &api::TaskOverride,
) -> Result<api::TaskDefinition, EcsError> {
    let mut merged = document.clone();
    task_cpu(overrides.cpu.as_deref()).map_err(|error| EcsError::client(error.to_string()))?;
    task_memory(overrides.memory.as_deref()).map_err(|error| EcsError::client(error.to_string()))?;
    replace(&mut merged.cpu, &overrides.cpu);
    replace(&mut merged.memory, &overrides.memory);
    replace(&mut merged.task_role_arn, &overrides.task_role_arn);
    replace(&mut merged.execution_role_arn, &overrides.execution_role_arn);
    for given in &overrides.container_overrides {
        let name = given.name.as_deref().unwrap_or_default();
        let mut containers = merged.container_definitions.iter_mut();
        let Some(container) = containers.find(|container| container.name.as_deref() == Some(name)) else {
            return Err(EcsError::invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        };
        lay_over(container, given);
    }
    Ok(merged)
}

fn lay_over(container: &mut api::ContainerDefinition, given: &api::ContainerOverride) {
    if !given.command.is_empty() {
        container.command.clone_from(&given.command);
    }
    for variable in &given.environment {
        match container.environment.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => known.value.clone_from(&variable.value),
            None => container.environment.push(variable.clone()),
        }
    }
    container.environment_files.extend(given.environment_files.iter().cloned());
    replace(&mut container.cpu, &given.cpu);
    replace(&mut container.memory, &given.memory);
    replace(&mut container.memory_reservation, &given.memory_reservation);
    if !given.resource_requirements.is_empty() {
        container.resource_requirements.clone_from(&given.resource_requirements);
    }
}

fn replace<T: Clone>(value: &mut Option<T>, by: &Option<T>) {
    if by.is_some() {
        value.clone_from(by);
    }
}
