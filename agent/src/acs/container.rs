//! A container of a payload as a [`ContainerSpec`]. Source: spec 3.8 and 5, features 4.

use super::docker::DockerConfig;
use super::health;
use super::payload::Policy;
use super::process;
use super::refusal::{Refusal, required, unused};
use super::volume;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_core::spec::{
    Condition, ContainerSpec, Dependency, LogSpec, Network, PortMapping, Protocol, RestartPolicy, Volume,
};
use wharf_protocol::acs::{self, Container};
use wharf_protocol::docker::LogConfig;

/// Smallest memory limit in MiB; smaller ones are raised to it (features 4.1).
const LEAST_MEMORY: i64 = 4;
/// Bytes of a MiB.
const MEBIBYTE: i64 = 1024 * 1024;
/// How long a container has to have run before it is started again, where its policy does not say (features 7.6).
const RESTART_PERIOD: Duration = Duration::from_secs(300);
/// Longest name of a container in a task definition.
const LONGEST_NAME: usize = 255;

/// What a container can see of its task.
pub(super) struct Around<'a> {
    pub network: &'a Network,
    pub volumes: &'a BTreeMap<String, Volume>,
    pub memory: Option<u32>,
    pub policy: &'a Policy,
}

/// Reads one container.
pub(super) fn convert(
    container: &Container,
    around: &Around<'_>,
    new_id: &mut dyn FnMut() -> String,
) -> Result<ContainerSpec, Refusal> {
    let name = name(container)?;
    let at = |field: &str| format!("containers[{name}].{field}");
    check_unsupported(container, &at)?;
    let docker = DockerConfig::read(name, container.docker_config.as_ref())?;
    docker.check_network(name, around.network)?;
    let (config, host) = (&docker.config, &docker.host);
    let memory = hard_limit(&at("memory"), host.memory.map(|bytes| bytes / MEBIBYTE).or(container.memory))?;
    if let (Some(own), Some(task)) = (memory, around.memory)
        && own > task
    {
        return Err(Refusal::wrong(at("memory"), own, format!("at most the task's {task} MiB")));
    }
    Ok(ContainerSpec {
        name: name.to_owned(),
        arn: container.container_arn.clone().filter(|arn| !arn.is_empty()),
        image: image(&at("image"), config.image.as_ref().or(container.image.as_ref()))?,
        essential: container.essential.unwrap_or(false),
        cpu: number(&at("cpu"), host.cpu_shares.or(container.cpu))?,
        memory,
        memory_reservation: soft_limit(&at("hostConfig.MemoryReservation"), host.memory_reservation)?,
        depends_on: dependencies(&at("dependsOn"), &container.depends_on)?,
        start_timeout: seconds(&at("startTimeout"), container.start_timeout)?,
        stop_timeout: seconds(&at("stopTimeout"), container.stop_timeout)?,
        health_check: health::convert(name, container, config.health_check.as_ref(), around.policy)?,
        restart: restart(&at("restartPolicy"), container.restart_policy.as_ref())?,
        process: process::convert(name, container, &docker, around)?,
        mount_points: volume::mounts(name, &container.mount_points, around.volumes)?,
        port_mappings: ports(&at("portMappings"), &container.port_mappings, around.network)?,
        log: log(name, host.log_config.as_ref(), around.policy)?,
        metadata_id: new_id(),
    })
}

/// The name, which is also that of a cgroup and a log file.
fn name(container: &Container) -> Result<&str, Refusal> {
    let name = required("containers[].name", &container.name)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.len() <= LONGEST_NAME && name.bytes().all(plain) {
        return Ok(name);
    }
    Err(Refusal::wrong("containers[].name", name, "at most 255 letters, digits, '-' and '_'"))
}

/// Fields that this version does not honour. `linuxParameters`, `privileged` and `networkInterfaceNames` are not among them: the
/// control plane says the same inside `dockerConfig`, and agents read it there (spec 3.8).
fn check_unsupported(container: &Container, at: &dyn Fn(&str) -> String) -> Result<(), Refusal> {
    let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    unused(at("secrets"), !container.secrets.is_empty())?;
    unused(at("environmentFiles"), !container.environment_files.is_empty())?;
    unused(at("credentialSpecs"), !container.credential_specs.is_empty())?;
    unused(at("firelensConfiguration"), container.firelens_configuration.is_some())?;
    unused(at("links"), !container.links.is_empty())?;
    unused(at("logsAuthStrategy"), set(&container.logs_auth_strategy))?;
    unused(at("managedAgents"), !container.managed_agents.is_empty())?;
    unused(at("registryAuthentication"), container.registry_authentication.is_some())?;
    unused(at("volumesFrom"), !container.volumes_from.is_empty())
}

fn image(field: &str, image: Option<&String>) -> Result<String, Refusal> {
    let image = image.map(String::as_str).unwrap_or_default();
    if image.is_empty() {
        return Err(Refusal::missing(field));
    }
    if image.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(Refusal::wrong(field, image, "an image reference"));
    }
    Ok(image.to_owned())
}

/// MiB; absent and 0 are no limit, the smallest limit is 4.
fn hard_limit(field: &str, mebibytes: Option<i64>) -> Result<Option<u32>, Refusal> {
    let mebibytes = mebibytes.unwrap_or(0);
    let raised = if mebibytes > 0 { mebibytes.max(LEAST_MEMORY) } else { mebibytes };
    let limit = u32::try_from(raised).map_err(|_| Refusal::wrong(field, mebibytes, "a number of MiB"))?;
    Ok(Some(limit).filter(|limit| *limit > 0))
}

/// Bytes as MiB, rounded up.
fn soft_limit(field: &str, bytes: Option<i64>) -> Result<Option<u32>, Refusal> {
    let bytes = bytes.unwrap_or(0);
    let wrong = || Refusal::wrong(field, bytes, "a number of bytes");
    let mebibytes = u64::try_from(bytes).map_err(|_| wrong())?.div_ceil(MEBIBYTE.unsigned_abs());
    let limit = u32::try_from(mebibytes).map_err(|_| wrong())?;
    Ok(Some(limit).filter(|limit| *limit > 0))
}

fn number(field: &str, value: Option<i64>) -> Result<u32, Refusal> {
    let value = value.unwrap_or(0);
    u32::try_from(value).map_err(|_| Refusal::wrong(field, value, "a number from 0 up"))
}

/// Seconds; 0 is the host's default, as absence is.
fn seconds(field: &str, value: Option<i64>) -> Result<Option<Duration>, Refusal> {
    let seconds = number(field, value)?;
    Ok((seconds > 0).then(|| Duration::from_secs(u64::from(seconds))))
}

/// A policy that is in force. The control plane bounds its period and the number of codes; here any make sense.
fn restart(field: &str, policy: Option<&acs::RestartPolicy>) -> Result<Option<RestartPolicy>, Refusal> {
    let Some(policy) = policy.filter(|policy| policy.enabled == Some(true)) else { return Ok(None) };
    let code = |code: &i64| {
        let wrong = || Refusal::wrong(format!("{field}.ignoredExitCodes"), code, "exit codes");
        i32::try_from(*code).map_err(|_| wrong())
    };
    let period = seconds(&format!("{field}.restartAttemptPeriod"), policy.restart_attempt_period)?;
    Ok(Some(RestartPolicy {
        ignored_exit_codes: policy.ignored_exit_codes.iter().map(code).collect::<Result<_, _>>()?,
        period: period.unwrap_or(RESTART_PERIOD),
    }))
}

fn dependencies(field: &str, dependencies: &[acs::ContainerDependency]) -> Result<Vec<Dependency>, Refusal> {
    let one = |dependency: &acs::ContainerDependency| {
        let container = required(field, &dependency.container_name)?.to_owned();
        let condition = match required(field, &dependency.condition)? {
            "START" => Condition::Start,
            "COMPLETE" => Condition::Complete,
            "SUCCESS" => Condition::Success,
            "HEALTHY" => Condition::Healthy,
            other => return Err(Refusal::wrong(field, other, "START, COMPLETE, SUCCESS or HEALTHY")),
        };
        Ok(Dependency { container, condition })
    };
    dependencies.iter().map(one).collect()
}

fn ports(field: &str, mappings: &[acs::PortMapping], network: &Network) -> Result<Vec<PortMapping>, Refusal> {
    let port =
        |port: i64| u16::try_from(port).map_err(|_| Refusal::wrong(field, port, "a port from 1 to 65535"));
    let one = |mapping: &acs::PortMapping| {
        let range = mapping.container_port_range.as_deref().is_some_and(|range| !range.is_empty());
        unused(format!("{field}[].containerPortRange"), range)?;
        let container_port = port(mapping.container_port.unwrap_or(0))?;
        if container_port == 0 {
            return Err(Refusal::missing(format!("{field}[].containerPort")));
        }
        let host_port = Some(port(mapping.host_port.unwrap_or(0))?).filter(|port| *port > 0);
        let host_port = match network {
            // There is nothing between the process and the host's port.
            Network::Host if host_port.is_some_and(|port| port != container_port) => {
                let expected = "the containerPort, because the network mode is host";
                return Err(Refusal::wrong(format!("{field}[].hostPort"), host_port.unwrap_or(0), expected));
            }
            Network::Host => Some(container_port),
            Network::Awsvpc(_) | Network::None => host_port,
        };
        let protocol = match mapping.protocol.as_deref().unwrap_or_default() {
            "" | "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            other => return Err(Refusal::wrong(format!("{field}[].protocol"), other, "tcp or udp")),
        };
        Ok(PortMapping { container_port, host_port, protocol })
    };
    mappings.iter().map(one).collect()
}

fn log(name: &str, log: Option<&LogConfig>, policy: &Policy) -> Result<LogSpec, Refusal> {
    let Some(log) = log else { return Ok(LogSpec::default()) };
    let driver = log.r#type.clone().unwrap_or_default();
    if !driver.is_empty() && !policy.logging_drivers.contains(&driver) {
        return Err(Refusal::HostConfig {
            problem: format!(
                "container {name} logs with {driver:?}, which this agent does not offer; it offers {}",
                policy.logging_drivers.join(", ")
            ),
        });
    }
    Ok(LogSpec { driver, options: log.config.clone().unwrap_or_default().0 })
}
