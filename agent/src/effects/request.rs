//! From a task's definition to what the runtime is asked for. Pure but for directories of volumes, which are made here.
//!
//! Owns labels, mounts, limits and the environment of a container. Nothing of an image's configuration is read here: what an
//! image says never reaches a decision about the host (class 2 input).

use super::{Places, files};
use crate::endpoints::environment::{default_environment, injected_environment};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_core::adopt::Inscription;
use wharf_core::event::ResolvedImage;
use wharf_core::restart::Restarts;
use wharf_core::spec::{self, ContainerSpec, Interface, LogSpec, Network, TaskSpec, Volume};
use wharf_core::task::runtime_id;
use wharf_runtime::cgroup::{CpuLimit, TaskLimits};
use wharf_runtime::container::{Device, Ulimit};
use wharf_runtime::{
    CreateContainer, LogTarget, Mount, NetworkNamespace, ProcessOptions, RenewContainer, Resources,
};

/// Docker's bounds of CPU shares.
const SHARES: std::ops::RangeInclusive<u64> = 2..=262_144;
/// A memory limit below this is raised to it (features 4.1).
const LEAST_MEMORY: u64 = 4 << 20;
/// Period of the CPU quota (features 4.8).
const CPU_PERIOD: Duration = Duration::from_millis(100);

/// What a request needs beside the task.
#[derive(Debug)]
pub struct Setting<'a> {
    /// Where things are.
    pub places: &'a Places,
    /// Cluster, for the label.
    pub cluster: &'a str,
    /// Region, for the environment.
    pub region: &'a str,
    /// ARN of this container instance, once it is registered.
    pub instance: Option<String>,
}

/// Labels that are ours to give, whatever a definition asks for.
const OWN_LABELS: &str = "io.wharf.";

/// Label that names the container instance, for an agent that has lost its registration.
pub const INSTANCE_LABEL: &str = "io.wharf.container-instance-arn";

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The definition has no such container.
    #[error("task {task} has no container {container}")]
    NoContainer {
        /// Id of the task.
        task: String,
        /// Name of the container.
        container: String,
    },
    /// A mount names a volume that the task does not have.
    #[error("container {container} mounts the volume {volume}, which the task does not define")]
    NoVolume {
        /// Name of the container.
        container: String,
        /// Name of the volume.
        volume: String,
    },
    /// The directory of a volume, log or file could not be made.
    #[error("cannot make {}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Limits of the task's cgroup. Source: features 4.8.
pub fn task_limits(task: &TaskSpec) -> TaskLimits {
    let shares = || task.containers.iter().map(|c| u64::from(c.cpu).max(*SHARES.start())).sum::<u64>();
    let cpu = match task.cpu {
        Some(units) => CpuLimit::Quota { quota: CPU_PERIOD * units / 1024, period: CPU_PERIOD },
        None => CpuLimit::Shares(shares().min(*SHARES.end())),
    };
    TaskLimits { cpu: Some(cpu), memory: task.memory.map(mebibytes), pids: None }
}

/// The request for one container.
///
/// # Errors
/// [`RequestError`] names what is wrong with the definition or the host.
pub fn build(
    setting: &Setting<'_>,
    task: &TaskSpec,
    name: &str,
    image: &ResolvedImage,
) -> Result<CreateContainer, RequestError> {
    let container = find(task, name)?;
    // The endpoints live in a task's own namespace; on the host's network nothing would answer.
    let mut environment = match task.network {
        Network::Awsvpc(_) | Network::None => injected_environment(task, container),
        Network::Host => BTreeMap::new(),
    };
    environment.extend(container.process.environment.clone());
    Ok(CreateContainer {
        id: runtime_id(&task.arn, name),
        labels: labels(setting, task, container),
        inscription: Inscription::encode(task, image),
        image: image.name.clone(),
        shim_group: task.arn.id().to_owned(),
        cgroup_path: setting.places.container_cgroup(&task.arn, name),
        network: match &task.network {
            Network::Awsvpc(_) | Network::None => NetworkNamespace::Path(setting.places.namespace(&task.arn)),
            Network::Host => NetworkNamespace::Host,
        },
        hostname: hostname(task, container),
        process: process(container, environment, setting.region),
        mounts: mounts(setting, task, container)?,
        resources: Resources {
            cpu_shares: Some(u64::from(container.cpu).clamp(*SHARES.start(), *SHARES.end())),
            memory_limit: container.memory.filter(|m| *m > 0).map(|m| mebibytes(m).max(LEAST_MEMORY)),
            memory_reservation: container.memory_reservation.map(mebibytes),
            pids: None,
        },
        log: log(setting.places, task, container)?,
    })
}

/// The request for a new process of a container; all but its output is in the container's record.
///
/// # Errors
/// [`RequestError`] names what is wrong with the definition or the host.
pub fn renewal(
    places: &Places,
    task: &TaskSpec,
    name: &str,
    restarts: &Restarts,
) -> Result<RenewContainer, RequestError> {
    let container = find(task, name)?;
    Ok(RenewContainer {
        id: runtime_id(&task.arn, name),
        tty: container.process.tty,
        log: log(places, task, container)?,
        restarts: restarts.encode(),
    })
}

fn find<'a>(task: &'a TaskSpec, name: &str) -> Result<&'a ContainerSpec, RequestError> {
    let missing = || RequestError::NoContainer { task: task.arn.id().to_owned(), container: name.to_owned() };
    task.containers.iter().find(|container| container.name == name).ok_or_else(missing)
}

fn mebibytes(count: u32) -> u64 {
    u64::from(count) << 20
}

fn hostname(task: &TaskSpec, container: &ContainerSpec) -> Option<String> {
    match &task.network {
        Network::Awsvpc(interface) => Some(files::hostname(interface)),
        Network::None => {
            container.process.hostname.clone().or_else(|| Some(task.arn.id().chars().take(12).collect()))
        }
        Network::Host => None,
    }
}

/// The definition's labels, overridden by ECS's own (features 22).
fn labels(setting: &Setting<'_>, task: &TaskSpec, container: &ContainerSpec) -> BTreeMap<String, String> {
    let mut labels = container.process.labels.clone();
    labels.retain(|key, _| !key.starts_with(OWN_LABELS));
    let own = [
        ("cluster", setting.cluster),
        ("container-name", &container.name),
        ("task-arn", task.arn.as_str()),
        ("task-definition-family", &task.family),
        ("task-definition-version", &task.version),
    ];
    labels.extend(setting.instance.iter().map(|arn| (INSTANCE_LABEL.to_owned(), arn.clone())));
    labels.extend(own.map(|(key, value)| (format!("com.amazonaws.ecs.{key}"), value.to_owned())));
    labels
}

fn process(container: &ContainerSpec, env: BTreeMap<String, String>, region: &str) -> ProcessOptions {
    let wish = &container.process;
    ProcessOptions {
        command: wish.command.clone(),
        entry_point: wish.entry_point.clone(),
        env: env.into_iter().collect(),
        env_defaults: default_environment(region).into_iter().collect(),
        user: wish.user.clone(),
        working_directory: wish.working_directory.clone(),
        tty: wish.tty,
        privileged: wish.privileged,
        readonly_root: wish.readonly_root,
        no_new_privileges: wish.no_new_privileges,
        cap_add: wish.cap_add.clone(),
        cap_drop: wish.cap_drop.clone(),
        ulimits: wish
            .ulimits
            .iter()
            .map(|u| Ulimit { name: u.name.clone(), soft: u.soft, hard: u.hard })
            .collect(),
        sysctls: wish.sysctls.clone(),
        tmpfs: wish.tmpfs.clone(),
        shm_size: wish.shm_size,
        devices: wish.devices.iter().map(device).collect(),
    }
}

fn device(device: &spec::Device) -> Device {
    Device {
        host_path: device.host_path.clone(),
        container_path: device.container_path.clone(),
        permissions: device.permissions.clone(),
    }
}

fn mounts(
    setting: &Setting<'_>,
    task: &TaskSpec,
    container: &ContainerSpec,
) -> Result<Vec<Mount>, RequestError> {
    let mut mounts = match &task.network {
        Network::Awsvpc(interface) => network_files(setting, task, container, interface)?,
        Network::Host => ["resolv.conf", "hosts"]
            .map(|f| mount(format!("/etc/{f}").into(), format!("/etc/{f}"), false))
            .into(),
        Network::None => Vec::new(),
    };
    for point in &container.mount_points {
        let missing =
            || RequestError::NoVolume { container: container.name.clone(), volume: point.volume.clone() };
        let source = match task.volumes.get(&point.volume).ok_or_else(missing)? {
            Volume::Host { path } => PathBuf::from(path),
            Volume::Task => setting.places.durable(&task.arn).join("volumes").join(&point.volume),
        };
        if !source.exists() {
            make_dir(&source)?;
        }
        mounts.push(mount(source, point.container_path.clone(), point.read_only));
    }
    Ok(mounts)
}

/// resolv.conf, hosts and hostname; a container with extra hosts gets a hosts file of its own.
fn network_files(
    setting: &Setting<'_>,
    task: &TaskSpec,
    container: &ContainerSpec,
    interface: &Interface,
) -> Result<Vec<Mount>, RequestError> {
    let dir = setting.places.files(&task.arn);
    let mut mounts: Vec<_> =
        files::FILES.iter().map(|f| mount(dir.join(f), format!("/etc/{f}"), false)).collect();
    if !container.process.extra_hosts.is_empty() {
        let own = dir.join(format!("hosts-{}", container.name));
        files::write_hosts(&own, interface, &container.process.extra_hosts)
            .map_err(|source| RequestError::Path { path: own.clone(), source })?;
        mounts.retain(|m| m.target != Path::new("/etc/hosts"));
        mounts.push(mount(own, "/etc/hosts".to_owned(), false));
    }
    Ok(mounts)
}

fn mount(source: PathBuf, target: String, read_only: bool) -> Mount {
    Mount { source, target: target.into(), read_only }
}

fn make_dir(path: &Path) -> Result<(), RequestError> {
    std::fs::create_dir_all(path).map_err(|source| RequestError::Path { path: path.to_owned(), source })
}

/// Where output goes: `none`, or a file below the task's directory, rotated by Docker's options.
fn log(places: &Places, task: &TaskSpec, container: &ContainerSpec) -> Result<LogTarget, RequestError> {
    let LogSpec { driver, options } = &container.log;
    if driver == "none" {
        return Ok(LogTarget::Null);
    }
    let path = places.log(&task.arn, &container.name);
    path.parent().map(make_dir).transpose()?;
    let mut args = vec![("path".to_owned(), path.display().to_string())];
    for key in ["max-size", "max-file"] {
        args.extend(options.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    Ok(LogTarget::Binary { path: places.logger.clone(), args })
}
