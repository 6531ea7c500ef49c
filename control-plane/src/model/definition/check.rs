//! Whether a document is one that ECS would register. The messages are what callers of ECS know.

use super::super::error::EcsError;
use super::sizes::{task_cpu, task_memory};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use wharf_protocol::api;

/// Seconds that a container has to have run before its restart policy starts it again.
const RESTART_PERIOD: RangeInclusive<i64> = 60..=1800;
/// Exit codes that a restart policy may ignore.
const MOST_IGNORED: usize = 50;

type Checked = Result<(), EcsError>;

/// Refuses what could never run.
pub fn check(request: &api::RegisterTaskDefinitionRequest) -> Checked {
    family(request.family.as_deref().unwrap_or_default())?;
    one_of("networkMode", request.network_mode.as_deref(), &["bridge", "host", "awsvpc", "none"])?;
    one_of("pidMode", request.pid_mode.as_deref(), &["host", "task"])?;
    one_of("ipcMode", request.ipc_mode.as_deref(), &["host", "task", "none"])?;
    for name in &request.requires_compatibilities {
        one_of("requiresCompatibilities", Some(name), &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])?;
    }
    task_cpu(request.cpu.as_deref()).map_err(|error| EcsError::client(error.to_string()))?;
    task_memory(request.memory.as_deref()).map_err(|error| EcsError::client(error.to_string()))?;
    volumes(&request.volumes)?;
    containers(request)
}

fn family(name: &str) -> Checked {
    match name {
        "" => Err(EcsError::client("Family should not be null or empty.")),
        name if super::is_family(name) => Ok(()),
        _ => Err(EcsError::client("Family contains invalid characters.")),
    }
}

fn one_of(what: &str, value: Option<&str>, allowed: &[&str]) -> Checked {
    match value {
        Some(value) if !allowed.contains(&value) => {
            let allowed = allowed.join(", ");
            Err(EcsError::client(format!("Invalid {what} '{value}'. Allowed values are {allowed}.")))
        }
        Some(_) | None => Ok(()),
    }
}

fn volumes(volumes: &[api::Volume]) -> Checked {
    let mut names = BTreeSet::new();
    for volume in volumes {
        let name = volume.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(EcsError::client("Volume.name should not be null or empty."));
        }
        if !names.insert(name) {
            return Err(EcsError::client(format!("Duplicate volume '{name}'.")));
        }
        let kinds = [
            volume.host.is_some(),
            volume.docker_volume_configuration.is_some(),
            volume.efs_volume_configuration.is_some(),
            volume.s3files_volume_configuration.is_some(),
        ];
        if kinds.iter().filter(|given| **given).count() > 1 {
            return Err(EcsError::client(format!("Volume '{name}' has more than one configuration.")));
        }
        if volume.fsx_windows_file_server_volume_configuration.is_some() {
            return Err(EcsError::client(format!("Volume '{name}': FSx for Windows needs a Windows host.")));
        }
    }
    Ok(())
}

fn containers(request: &api::RegisterTaskDefinitionRequest) -> Checked {
    let containers = &request.container_definitions;
    if containers.is_empty() {
        return Err(EcsError::client("Container list cannot be empty."));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        identity(container, name)?;
        if !names.insert(name) {
            return Err(EcsError::client(format!("Container name '{name}' is used more than once.")));
        }
    }
    if !containers.iter().any(|container| container.essential.unwrap_or(true)) {
        return Err(EcsError::client("At least one container must be essential."));
    }
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        let fault =
            |what: String| EcsError::client(format!("Invalid setting for container '{name}'. {what}"));
        sizes(container, request.memory.is_some()).map_err(fault)?;
        ports(container, request.network_mode.as_deref())?;
        network(container, request.network_mode.as_deref())?;
        health(container).map_err(fault)?;
        restarts(container).map_err(fault)?;
        references(container, request).map_err(fault)?;
    }
    cycles(containers)
}

fn identity(container: &api::ContainerDefinition, name: &str) -> Checked {
    if name.is_empty() {
        return Err(EcsError::client("Container.name should not be null or empty."));
    }
    if !super::is_family(name) {
        return Err(EcsError::client(format!("Container name '{name}' contains invalid characters.")));
    }
    match container.image.as_deref() {
        None | Some("") => Err(EcsError::client("Container.image should not be null or empty.")),
        Some(_) => Ok(()),
    }
}

fn sizes(container: &api::ContainerDefinition, task_has_memory: bool) -> Result<(), String> {
    let [limit, reservation] = [container.memory, container.memory_reservation];
    if container.cpu.is_some_and(|cpu| cpu < 0) {
        return Err("'cpu' must not be negative.".to_owned());
    }
    if [limit, reservation].into_iter().flatten().any(|mib| mib < 4) {
        return Err("'memory' and 'memoryReservation' must be at least 4 MiB.".to_owned());
    }
    if !task_has_memory && limit.is_none() && reservation.is_none() {
        return Err("At least one of 'memory' or 'memoryReservation' must be specified.".to_owned());
    }
    if let (Some(limit), Some(reservation)) = (limit, reservation)
        && limit < reservation
    {
        return Err("'memory' must not be less than 'memoryReservation'.".to_owned());
    }
    let timeouts = [container.start_timeout, container.stop_timeout];
    if timeouts.into_iter().flatten().any(|seconds| seconds < 0) {
        return Err("'startTimeout' and 'stopTimeout' must not be negative.".to_owned());
    }
    Ok(())
}

fn ports(container: &api::ContainerDefinition, mode: Option<&str>) -> Checked {
    for port in &container.port_mappings {
        let number = |port: Option<i64>| port.is_none_or(|port| (0..=65535).contains(&port));
        if !number(port.container_port) || !number(port.host_port) || port.container_port == Some(0) {
            return Err(EcsError::client("Port numbers must be between 1 and 65535."));
        }
        if port.container_port.is_none() && port.container_port_range.is_none() {
            return Err(EcsError::client("A port mapping needs 'containerPort' or 'containerPortRange'."));
        }
        one_of("protocol", port.protocol.as_deref(), &["tcp", "udp"])?;
        let differ = port.host_port.is_some_and(|host| Some(host) != port.container_port);
        match mode {
            Some(mode @ ("awsvpc" | "host")) if differ => {
                return Err(EcsError::client(format!(
                    "When networkMode={mode}, the host ports and container ports in port mappings must match."
                )));
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn network(container: &api::ContainerDefinition, mode: Option<&str>) -> Checked {
    if matches!(mode, Some("awsvpc" | "host" | "none")) && !container.links.is_empty() {
        return Err(EcsError::client("Links are only supported when networkMode=bridge."));
    }
    if mode == Some("awsvpc") && container.hostname.is_some() {
        return Err(EcsError::client("Setting a hostname is not supported when networkMode=awsvpc."));
    }
    Ok(())
}

fn health(container: &api::ContainerDefinition) -> Result<(), String> {
    let Some(health) = &container.health_check else { return Ok(()) };
    if health.command.is_empty() {
        return Err("A health check needs a 'command'.".to_owned());
    }
    let limits = [
        ("interval", health.interval, 5..=300),
        ("timeout", health.timeout, 2..=60),
        ("retries", health.retries, 1..=10),
        ("startPeriod", health.start_period, 0..=300),
    ];
    for (what, value, allowed) in limits {
        if value.is_some_and(|value| !allowed.contains(&value)) {
            let [low, high] = [allowed.start(), allowed.end()];
            return Err(format!("'{what}' of a health check must be between {low} and {high}."));
        }
    }
    Ok(())
}

/// The public limits of ECS; an agent itself would take any.
fn restarts(container: &api::ContainerDefinition) -> Result<(), String> {
    let Some(policy) = &container.restart_policy else { return Ok(()) };
    if policy.enabled.is_none() {
        return Err("A restart policy needs 'enabled'.".to_owned());
    }
    if policy.restart_attempt_period.is_some_and(|seconds| !RESTART_PERIOD.contains(&seconds)) {
        let [least, most] = [RESTART_PERIOD.start(), RESTART_PERIOD.end()];
        return Err(format!("'restartAttemptPeriod' must be between {least} and {most} seconds."));
    }
    if policy.ignored_exit_codes.len() > MOST_IGNORED {
        return Err(format!("'ignoredExitCodes' must have at most {MOST_IGNORED} exit codes."));
    }
    if let Some(code) = policy.ignored_exit_codes.iter().find(|code| !(0..=255).contains(*code)) {
        return Err(format!("'ignoredExitCodes' must be exit codes from 0 to 255, and {code} is none."));
    }
    Ok(())
}

fn references(
    container: &api::ContainerDefinition,
    request: &api::RegisterTaskDefinitionRequest,
) -> Result<(), String> {
    let find = |name: Option<&str>| {
        request.container_definitions.iter().find(|other| name.is_some() && other.name.as_deref() == name)
    };
    for mount in &container.mount_points {
        let known = request.volumes.iter().any(|volume| volume.name == mount.source_volume);
        if mount.source_volume.is_none() || !known {
            return Err(format!("Unknown volume '{}'.", mount.source_volume.as_deref().unwrap_or_default()));
        }
        if mount.container_path.as_deref().unwrap_or_default().is_empty() {
            return Err("A mount point needs a 'containerPath'.".to_owned());
        }
    }
    for from in &container.volumes_from {
        if find(from.source_container.as_deref()).is_none() {
            let name = from.source_container.as_deref().unwrap_or_default();
            return Err(format!("'volumesFrom' names the unknown container '{name}'."));
        }
    }
    for dependency in &container.depends_on {
        let name = dependency.container_name.as_deref();
        let other = find(name);
        let Some(other) = other else {
            return Err(format!("'dependsOn' names the unknown container '{}'.", name.unwrap_or_default()));
        };
        condition(dependency.condition.as_deref().unwrap_or_default(), other)?;
    }
    Ok(())
}

fn condition(condition: &str, other: &api::ContainerDefinition) -> Result<(), String> {
    match condition {
        "START" => Ok(()),
        "COMPLETE" | "SUCCESS" if other.essential.unwrap_or(true) => {
            Err(format!("The condition {condition} cannot be used with an essential container."))
        }
        "COMPLETE" | "SUCCESS" => Ok(()),
        "HEALTHY" if other.health_check.is_none() => {
            Err("The condition HEALTHY needs a health check on the container depended on.".to_owned())
        }
        "HEALTHY" => Ok(()),
        other => Err(format!("'{other}' is no condition: use START, COMPLETE, SUCCESS or HEALTHY.")),
    }
}

/// Takes away containers whose dependencies are all gone; what remains waits for itself.
fn cycles(containers: &[api::ContainerDefinition]) -> Checked {
    let mut waiting: Vec<&api::ContainerDefinition> = containers.iter().collect();
    loop {
        let before = waiting.len();
        let names: BTreeSet<_> = waiting.iter().filter_map(|container| container.name.as_deref()).collect();
        waiting.retain(|container| {
            let mut on = container.depends_on.iter().filter_map(|on| on.container_name.as_deref());
            on.any(|name| names.contains(name))
        });
        match waiting.len() {
            0 => return Ok(()),
            now if now == before => {
                return Err(EcsError::client("The container dependencies form a cycle."));
            }
            _fewer => {}
        }
    }
}
