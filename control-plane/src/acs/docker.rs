//! `dockerConfig`: the two JSON strings that carry what the payload has no field for (spec section 5).
//!
//! Only what a definition says is set: a key that is present overrides the agent's own value, even when it is empty.

use std::collections::BTreeMap;
use wharf_protocol::docker::{Config, Device, HealthCheck, HostConfig, LogConfig, Ulimit};
use wharf_protocol::{acs, api};

const SECOND: i64 = 1_000_000_000; // Docker counts in nanoseconds
const MIB: i64 = 1024 * 1024;

/// Both strings, and the version of Docker's API that would be needed.
pub fn config(document: &api::TaskDefinition, container: &api::ContainerDefinition) -> acs::DockerConfig {
    let version = match (&container.health_check, document.network_mode.as_deref()) {
        (Some(_), _) => "1.24",
        (None, Some("awsvpc")) => "1.18",
        (None, Some(_) | None) => "1.17",
    };
    acs::DockerConfig {
        version: Some(version.to_owned()),
        config: Some(container_config(container).to_text()),
        host_config: Some(host_config(document, container).to_text()),
    }
}

fn unless_empty(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_owned())
}

fn container_config(container: &api::ContainerDefinition) -> Config {
    Config {
        hostname: container.hostname.clone(),
        user: container.user.clone(),
        tty: container.pseudo_terminal,
        open_stdin: container.interactive,
        health_check: container.health_check.as_ref().map(health_check),
        working_dir: container.working_directory.clone(),
        network_disabled: container.disable_networking,
        labels: (!container.docker_labels.is_empty()).then(|| container.docker_labels.clone()),
        ..Config::default()
    }
}

fn health_check(health: &api::HealthCheck) -> HealthCheck {
    let nanoseconds = |seconds: Option<i64>| seconds.map(|seconds| seconds.saturating_mul(SECOND));
    HealthCheck {
        test: Some(health.command.clone()),
        interval: nanoseconds(health.interval),
        timeout: nanoseconds(health.timeout),
        start_period: nanoseconds(health.start_period),
        retries: health.retries,
        ..HealthCheck::default()
    }
}

fn host_config(document: &api::TaskDefinition, container: &api::ContainerDefinition) -> HostConfig {
    let none = api::LinuxParameters::default();
    let linux = container.linux_parameters.as_ref().unwrap_or(&none);
    let capabilities = linux.capabilities.clone().unwrap_or_default();
    let bytes = |mib: Option<i64>| mib.map(|mib| mib.saturating_mul(MIB));
    let with_swap = |swap: i64| swap.saturating_add(container.memory.unwrap_or(0));
    let ulimits: Vec<Ulimit> = container.ulimits.iter().map(ulimit).collect();
    let devices: Vec<Device> = linux.devices.iter().map(device).collect();
    HostConfig {
        log_config: container.log_configuration.as_ref().map(|logs| LogConfig {
            r#type: logs.log_driver.clone(),
            config: Some(logs.options.clone().into()),
        }),
        network_mode: document.network_mode.clone(),
        // ECS sends these two always (spec section 5).
        cap_add: Some(capabilities.add),
        cap_drop: Some(capabilities.drop),
        dns: unless_empty(&container.dns_servers),
        dns_search: unless_empty(&container.dns_search_domains),
        extra_hosts: unless_empty(&extra_hosts(container)),
        privileged: container.privileged,
        readonly_rootfs: container.readonly_root_filesystem,
        security_opt: unless_empty(&container.docker_security_options),
        tmpfs: Some(linux.tmpfs.iter().filter_map(tmpfs).collect())
            .filter(|mounts: &BTreeMap<_, _>| !mounts.is_empty()),
        shm_size: bytes(linux.shared_memory_size),
        sysctls: Some(sysctls(container)).filter(|controls| !controls.is_empty()),
        init: linux.init_process_enabled,
        devices: (!devices.is_empty()).then_some(devices),
        memory_reservation: bytes(container.memory_reservation),
        memory_swap: bytes(linux.max_swap.map(with_swap)),
        memory_swappiness: linux.swappiness,
        ulimits: (!ulimits.is_empty()).then_some(ulimits),
        ..HostConfig::default()
    }
}

fn extra_hosts(container: &api::ContainerDefinition) -> Vec<String> {
    let line =
        |one: &api::HostEntry| Some(format!("{}:{}", one.hostname.as_deref()?, one.ip_address.as_deref()?));
    container.extra_hosts.iter().filter_map(line).collect()
}

fn sysctls(container: &api::ContainerDefinition) -> BTreeMap<String, String> {
    let pair = |one: &api::SystemControl| Some((one.namespace.clone()?, one.value.clone()?));
    container.system_controls.iter().filter_map(pair).collect()
}

fn ulimit(limit: &api::Ulimit) -> Ulimit {
    Ulimit { name: limit.name.clone(), soft: limit.soft_limit, hard: limit.hard_limit }
}

fn device(device: &api::Device) -> Device {
    let letter = |permission: &String| match permission.as_str() {
        "read" => "r",
        "write" => "w",
        "mknod" => "m",
        _unknown => "",
    };
    let permissions: String = device.permissions.iter().map(letter).collect();
    Device {
        path_on_host: device.host_path.clone(),
        path_in_container: device.container_path.clone().or_else(|| device.host_path.clone()),
        cgroup_permissions: Some(if permissions.is_empty() { "rwm".to_owned() } else { permissions }),
    }
}

fn tmpfs(mount: &api::Tmpfs) -> Option<(String, String)> {
    let size = mount.size.map(|mib| format!("size={mib}m"));
    let options: Vec<String> = size.into_iter().chain(mount.mount_options.iter().cloned()).collect();
    Some((mount.container_path.clone()?, options.join(",")))
}
