//! What a task is asked to be: the definition that a payload brought, in types of our own.
//!
//! Owns the shape of the request; it is built once at the edge (`wharf-agent`, module `acs`) and never changes afterwards.
//! Refuses wire names, JSON strings inside strings and anything that happened later. Credentials are never part of it.

use crate::time::Timestamp;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

/// A task as the control plane described it. Source: spec 3.8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Identity of the task.
    pub arn: TaskArn,
    /// Family of the task definition.
    pub family: String,
    /// Revision of the task definition, as text.
    pub version: String,
    /// Service that owns the task, when one does.
    pub service_name: Option<String>,
    /// `EC2`, `EXTERNAL` or `FARGATE`, as sent.
    pub launch_type: Option<String>,
    /// Which network the containers join.
    pub network: Network,
    /// Task limit in CPU units (1024 = one vCPU).
    pub cpu: Option<u32>,
    /// Task limit in MiB.
    pub memory: Option<u32>,
    /// Containers in the order of the definition; names are unique.
    pub containers: Vec<ContainerSpec>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Id of the task role's credentials, when the task has a role. The secret itself lives in memory only.
    pub credentials_id: Option<String>,
    /// Id of the execution role's credentials.
    pub execution_credentials_id: Option<String>,
}

/// Which network a task's containers join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Network {
    /// A namespace and an address of the task's own.
    Awsvpc(Interface),
    /// The host's network.
    Host,
    /// A namespace with nothing but loopback.
    None,
}

/// The network interface that the control plane assigned. Source: spec 3.5 and 9.1 `ElasticNetworkInterface`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Attachment to report ATTACHED for, when the control plane named one.
    pub attachment_arn: Option<String>,
    /// Hardware address, `aa:bb:cc:dd:ee:ff`.
    pub mac: String,
    /// Addresses without prefix, the primary one first. Never empty.
    pub addresses: Vec<IpAddr>,
    /// IPv4 gateway with the subnet's prefix, e.g. `10.0.2.1/24`.
    pub gateway4: Option<IpNet>,
    /// IPv6 gateway with the subnet's prefix.
    pub gateway6: Option<IpNet>,
    /// Resolvers for `resolv.conf`.
    pub dns_servers: Vec<String>,
    /// Search domains for `resolv.conf`.
    pub dns_search: Vec<String>,
    /// Private DNS name; its first label is the host name of the task.
    pub private_dns_name: Option<String>,
}

/// One container of a task. Source: spec 3.8 and 5, features 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Name, unique in the task.
    pub name: String,
    /// ARN the control plane gave the container.
    pub arn: Option<String>,
    /// Image reference as written in the definition.
    pub image: String,
    /// Whether the task stops when this container does.
    pub essential: bool,
    /// CPU units for relative weight; 0 means the least.
    pub cpu: u32,
    /// Hard memory limit in MiB.
    pub memory: Option<u32>,
    /// Soft memory limit in MiB.
    pub memory_reservation: Option<u32>,
    /// What has to be true of other containers before this one starts.
    pub depends_on: Vec<Dependency>,
    /// Longest time that others wait for this container's condition.
    pub start_timeout: Option<Duration>,
    /// Time between SIGTERM and SIGKILL; the host's default when absent.
    pub stop_timeout: Option<Duration>,
    /// Health check, when one is defined.
    pub health_check: Option<HealthCheck>,
    /// When it is started again in place after its process has ended; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartPolicy>,
    /// How the process is run.
    pub process: ProcessSpec,
    /// Volumes to mount.
    pub mount_points: Vec<MountPoint>,
    /// Ports that the container listens on.
    pub port_mappings: Vec<PortMapping>,
    /// Where output goes.
    pub log: LogSpec,
    /// Secret-like id in the metadata address `/v4/<id>`; drawn once by the shell when the payload arrived.
    pub metadata_id: String,
}

/// How a container's process is run: the fields of `dockerConfig` that Wharf honours. Source: spec 5.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Replaces the image's entry point.
    pub entry_point: Option<Vec<String>>,
    /// Variables added to the image's.
    pub environment: BTreeMap<String, String>,
    /// `uid`, `uid:gid`, `name` or `name:group`.
    pub user: Option<String>,
    /// Working directory.
    pub working_directory: Option<String>,
    /// Host name; only where the network mode allows one of its own.
    pub hostname: Option<String>,
    /// All capabilities, all devices, no seccomp.
    pub privileged: bool,
    /// The root file system is mounted read-only.
    pub readonly_root: bool,
    /// A terminal is allocated.
    pub tty: bool,
    /// Standard input stays open.
    pub open_stdin: bool,
    /// `no-new-privileges` was asked for.
    pub no_new_privileges: bool,
    /// A tiny init reaps zombies as PID 1.
    pub init: bool,
    /// Capabilities added to the default ones, without the `CAP_` prefix; `ALL` is known.
    pub cap_add: Vec<String>,
    /// Capabilities taken from the default ones.
    pub cap_drop: Vec<String>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// Kernel parameters of the container's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// tmpfs mounts: path to mount options.
    pub tmpfs: BTreeMap<String, String>,
    /// Size of `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// Host devices to pass in.
    pub devices: Vec<Device>,
    /// Lines for `/etc/hosts`: (host name, address).
    pub extra_hosts: Vec<(String, String)>,
    /// Labels of the definition (`dockerLabels`).
    pub labels: BTreeMap<String, String>,
    /// Signal that asks the container to stop, e.g. `SIGQUIT`; the image's or SIGTERM when absent.
    pub stop_signal: Option<String>,
}

/// A resource limit of the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Name without `RLIMIT_`, lower case, e.g. `nofile`.
    pub name: String,
    /// Soft limit; -1 is unlimited.
    pub soft: i64,
    /// Hard limit; -1 is unlimited.
    pub hard: i64,
}

/// A host device given to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    pub container_path: String,
    /// Some of `r`, `w`, `m`.
    pub permissions: String,
}

/// Where output goes: a log driver and its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct LogSpec {
    /// Name of the driver; `json-file` when empty.
    pub driver: String,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// A volume of the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Volume {
    /// A directory of the host.
    Host {
        /// Absolute path on the host.
        path: String,
    },
    /// An empty directory that lives as long as the task.
    Task,
}

/// A volume mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// Name of the volume.
    pub volume: String,
    /// Absolute path in the container.
    pub container_path: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// A port that a container listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// Port in the container.
    pub container_port: u16,
    /// Port on the host; for host networking the same.
    pub host_port: Option<u16>,
    /// Transport protocol.
    pub protocol: Protocol,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// What has to be true of another container of the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Name of the other container.
    pub container: String,
    /// The condition.
    pub condition: Condition,
}

/// Conditions of `dependsOn`. Source: features 7.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It has started (also when it has stopped since).
    Start,
    /// It has stopped, with any exit code.
    Complete,
    /// It has stopped with exit code 0.
    Success,
    /// Its health check reports HEALTHY.
    Healthy,
}

/// A health check with Docker's semantics. Source: spec 5, features 4.7.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The command, ready to be executed (a `CMD-SHELL` is already `["/bin/sh", "-c", …]`). Never empty.
    pub command: Vec<String>,
    /// Time between the end of one probe and the start of the next.
    pub interval: Duration,
    /// Longest time a probe may take.
    pub timeout: Duration,
    /// Consecutive failures that make the container UNHEALTHY.
    pub retries: u32,
    /// Time after the start in which failures do not count.
    pub start_period: Duration,
}

/// When a container is started again in place. Source: features 7.6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Exit codes after which it is not.
    pub ignored_exit_codes: BTreeSet<i32>,
    /// How long it has to have run since it was last started.
    pub period: Duration,
}

/// An interface announced ahead of its task. Source: spec 3.5 `AttachTaskNetworkInterfacesMessage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttachmentSpec {
    /// Task that the interface is for.
    pub task: TaskArn,
    /// The interface.
    pub interface: Interface,
    /// When the announcement lapses if no task came for it.
    pub expires_at: Timestamp,
}
