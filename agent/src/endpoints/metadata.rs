//! Task and container metadata as containers read it. Source: spec 6.2.
//!
//! Owns the way from a [`TaskView`] to the shapes. One deliberate difference from the Go agent: no pause container is listed,
//! since Wharf has none.

mod shape;

use super::path::Version;
use crate::view::{ContainerView, HostView, Stage, TaskView, desired_word, runtime_id};
use sha2::{Digest, Sha256};
use shape::{ContainerBodyV4, HealthBody, InterfaceBody, Limits, TaskBodyV4};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use wharf_core::spec::{
    ContainerSpec, Interface, MountPoint, Network, PortMapping, Protocol, TaskSpec, Volume,
};
use wharf_core::time::Timestamp;

pub use shape::{ContainerBody, NetworkBody, PortBody, TaskBody, VolumeBody};

impl TaskBody {
    /// The task with every container whose image is there.
    pub fn new(host: &HostView, task: &TaskView, version: Version) -> Self {
        let spec = &task.spec;
        let shown = task.containers().filter(|(_, state)| state.known > Stage::None || state.image.is_some());
        Self {
            cluster: host.cluster.clone(),
            task_arn: spec.arn.to_string(),
            family: spec.family.clone(),
            revision: spec.version.clone(),
            desired_status: desired_word(task.desired),
            known_status: task.known.as_str(),
            limits: task_limits(spec),
            pull_started_at: task.pull_started_at.map(rfc3339),
            pull_stopped_at: task.pull_stopped_at.map(rfc3339),
            execution_stopped_at: task.execution_stopped_at.map(rfc3339),
            availability_zone: host.availability_zone.clone(),
            launch_type: spec.launch_type.clone(),
            containers: shown
                .map(|(own, state)| ContainerBody::new(host, task, own, state, version))
                .collect(),
            v4: (version == Version::V4).then(|| TaskBodyV4 {
                vpc_id: host.vpc_id.clone(),
                service_name: spec.service_name.clone(),
                fault_injection_enabled: false,
                availability_zone_id: host.availability_zone_id.clone(),
            }),
        }
    }
}

impl ContainerBody {
    /// One container of `task`.
    pub fn new(
        host: &HostView,
        task: &TaskView,
        spec: &ContainerSpec,
        state: &ContainerView,
        version: Version,
    ) -> Self {
        Self {
            docker_id: runtime_id(&task.spec.arn, &spec.name),
            name: spec.name.clone(),
            docker_name: docker_name(&task.spec, &spec.name),
            image: spec.image.clone(),
            image_id: state.image.as_ref().map(|image| image.config_digest.clone()).unwrap_or_default(),
            ports: ports(&task.spec, spec),
            labels: labels(host, &task.spec, spec),
            desired_status: desired_word(state.desired),
            known_status: state.known.as_str(),
            exit_code: state.exit_code,
            limits: Limits {
                cpu: Some(spec.cpu.max(2).into()),
                memory: Some(spec.memory.unwrap_or_default()),
            },
            created_at: state.created_at.map(rfc3339),
            started_at: state.started_at.map(rfc3339),
            finished_at: state.finished_at.map(rfc3339),
            r#type: "NORMAL",
            health: health(state),
            volumes: volumes(&task.spec, spec),
            v4: (version == Version::V4).then(|| ContainerBodyV4 {
                log_driver: Some(spec.log.driver.clone()).filter(|driver| !driver.is_empty()),
                log_options: spec.log.options.clone(),
                container_arn: spec.arn.clone(),
            }),
            networks: networks(&task.spec, version),
            restart_count: state.restarts,
        }
    }
}

/// Docker's name of a container as the Go agent would make it: `ecs-<family>-<version>-<name>-<20 hex digits>`. The digits
/// are derived and not random, so that the name is the same after a restart.
pub fn docker_name(task: &TaskSpec, container: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = container.chars().filter(plain).collect();
    let mut full = format!("ecs-{}-{}-{name}-", task.family, task.version);
    for byte in &Sha256::digest(runtime_id(&task.arn, container))[..10] {
        write!(full, "{byte:02x}").expect("writing to a String cannot fail");
    }
    full
}

/// Ports of a container; in a namespace of its own, and in the host's, a port is the same inside and outside.
pub fn ports(task: &TaskSpec, container: &ContainerSpec) -> Vec<PortBody> {
    container.port_mappings.iter().map(|mapping| port(task, mapping)).collect()
}

fn port(task: &TaskSpec, mapping: &PortMapping) -> PortBody {
    PortBody {
        container_port: mapping.container_port,
        protocol: match mapping.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        },
        host_port: match task.network {
            Network::Awsvpc(_) | Network::Host => Some(mapping.container_port),
            Network::None => None,
        },
    }
}

/// Volumes that a container mounts; where a task's own volume lies on the host is not the container's business.
pub fn volumes(task: &TaskSpec, container: &ContainerSpec) -> Vec<VolumeBody> {
    let body = |mount: &MountPoint| {
        let (docker_name, source) = match task.volumes.get(&mount.volume)? {
            Volume::Host { path } => (None, Some(path.clone())),
            Volume::Task => (Some(mount.volume.clone()), None),
        };
        Some(VolumeBody { docker_name, source, destination: mount.container_path.clone() })
    };
    container.mount_points.iter().filter_map(body).collect()
}

/// The network of a task's containers.
pub fn networks(task: &TaskSpec, version: Version) -> Vec<NetworkBody> {
    let bare = |network_mode| NetworkBody {
        network_mode,
        ipv4_addresses: Vec::new(),
        ipv6_addresses: Vec::new(),
        v4: None,
    };
    vec![match &task.network {
        Network::Awsvpc(interface) => NetworkBody {
            ipv4_addresses: addresses(interface, IpAddr::is_ipv4),
            ipv6_addresses: addresses(interface, IpAddr::is_ipv6),
            v4: (version == Version::V4).then(|| InterfaceBody::new(interface)),
            ..bare("awsvpc")
        },
        Network::Host => bare("host"),
        Network::None => bare("none"),
    }]
}

impl InterfaceBody {
    fn new(interface: &Interface) -> Self {
        let ipv6_only = !interface.addresses.iter().any(IpAddr::is_ipv4);
        Self {
            attachment_index: 0,
            mac: interface.mac.clone(),
            ipv4_subnet: interface.gateway4.map(|gateway| gateway.trunc().to_string()),
            ipv6_subnet: interface.gateway6.map(|gateway| gateway.trunc().to_string()),
            domain_name_servers: interface.dns_servers.clone(),
            domain_name_search_list: interface.dns_search.clone(),
            private_dns_name: interface.private_dns_name.clone(),
            subnet_gateway_ipv4_address: interface.gateway4.map(|gateway| gateway.to_string()),
            subnet_gateway_ipv6_address: interface
                .gateway6
                .filter(|_| ipv6_only)
                .map(|gateway| gateway.to_string()),
        }
    }
}

/// An instant as Go prints it: RFC 3339 in UTC, without trailing zeros.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_string()
}

/// A finite number as Go prints it: whole ones without a fraction.
pub fn number(value: f64) -> serde_json::Number {
    let whole = value as i64;
    let fraction = || serde_json::Number::from_f64(value).unwrap_or_else(|| 0.into());
    if whole as f64 == value { whole.into() } else { fraction() }
}

fn addresses(interface: &Interface, family: fn(&IpAddr) -> bool) -> Vec<String> {
    interface.addresses.iter().filter(|address| family(address)).map(ToString::to_string).collect()
}

fn task_limits(spec: &TaskSpec) -> Option<Limits> {
    let cpu = spec.cpu.map(|units| number(f64::from(units) / 1024.0));
    (spec.cpu.is_some() || spec.memory.is_some()).then_some(Limits { cpu, memory: spec.memory })
}

/// Labels of the definition, under those of ECS, which win.
fn labels(host: &HostView, task: &TaskSpec, container: &ContainerSpec) -> BTreeMap<String, String> {
    let own = [
        ("cluster", &host.cluster),
        ("container-name", &container.name),
        ("task-arn", &task.arn.to_string()),
        ("task-definition-family", &task.family),
        ("task-definition-version", &task.version),
    ]
    .map(|(key, value)| (format!("com.amazonaws.ecs.{key}"), value.clone()));
    container.process.labels.clone().into_iter().chain(own).collect()
}

fn health(state: &ContainerView) -> Option<HealthBody> {
    state.health.as_ref().map(|health| HealthBody {
        status: health.status.as_str(),
        since: Some(rfc3339(health.since)),
        exit_code: health.exit_code.filter(|code| *code != 0),
        output: health.output.clone(),
    })
}
