//! The settings as plain typed values: what the rest of the agent reads.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use wharf_protocol::Secret;

/// Everything an operator can decide, grouped by who reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which control plane, and as whom.
    pub control_plane: ControlPlane,
    /// Where things are on this host.
    pub roots: HostRoots,
    /// What is registered.
    pub instance: Instance,
    /// What is offered to tasks.
    pub features: Features,
    /// How tasks are run.
    pub tasks: TaskDefaults,
    /// containerd and images.
    pub runtime: Runtime,
    /// The agent's own log.
    pub log: Logging,
}

/// Which control plane, and as whom. Source: spec 2.1, 2.4.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlPlane {
    /// Name or ARN of the cluster; `None` is the implicit `default`, which may be created on demand.
    pub cluster: Option<String>,
    /// Region to sign for.
    pub region: String,
    /// ECS API in place of the region's endpoint, with scheme.
    pub backend_host: Option<String>,
    /// ACS in place of the discovered endpoint, with scheme.
    pub acs_endpoint: Option<String>,
    /// TCS in place of the discovered endpoint, with scheme.
    pub telemetry_endpoint: Option<String>,
    /// The agent's own credentials.
    pub credentials: Option<AwsCredentials>,
    /// Profile of the shared credentials file, used without `credentials`.
    pub credential_profile: String,
}

impl ControlPlane {
    /// The configured cluster, or `default`.
    pub fn cluster_or_default(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }
}

/// The agent's own credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// Where things are on this host, and the names this agent puts on kernel objects.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRoots {
    /// Durable state.
    pub data_dir: PathBuf,
    /// State that ends with the boot.
    pub run_dir: PathBuf,
    /// Cgroup of all tasks, below the mount point.
    pub cgroup_root: PathBuf,
    /// The program that captures container output.
    pub logger: PathBuf,
    /// Begins the name of every host-side interface.
    pub interface_prefix: String,
    /// Name of the nftables table on the host.
    pub nft_table: String,
    /// Where introspection listens.
    pub introspection: SocketAddr,
}

/// What is registered. Source: spec 2.3.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Custom attributes, sent with the first registration only.
    pub attributes: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// TCP ports kept from tasks.
    pub reserved_ports: Vec<u16>,
    /// UDP ports kept from tasks.
    pub reserved_ports_udp: Vec<u16>,
    /// MiB kept from tasks.
    pub reserved_memory: u64,
    /// `ecs.os-type-detailed`, when not the one of /etc/os-release.
    pub os_family: Option<String>,
    /// ECS Anywhere.
    pub external: bool,
}

/// What is offered to tasks, besides what always is.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Log drivers to announce; all of them are ones this version has.
    pub logging_drivers: Vec<String>,
    /// awsvpc.
    pub task_eni: bool,
    /// Limits per task.
    pub task_cpu_mem_limit: bool,
    /// Task roles.
    pub task_iam_role: bool,
    /// Privileged containers.
    pub privileged: bool,
    /// Container health checks.
    pub health_check: bool,
}

/// How tasks are run where their definition says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDefaults {
    /// Between SIGTERM and SIGKILL.
    pub stop_timeout: Duration,
    /// Longest start.
    pub start_timeout: Duration,
    /// Longest create.
    pub create_timeout: Duration,
    /// Between a task's end and the removal of its remains.
    pub cleanup_wait: Duration,
    /// How long stories of stopped tasks are kept.
    pub stories_age: Duration,
    /// How many of them are kept.
    pub stories_kept: usize,
    /// From the first sight of a container that belongs to no known task to its removal; `None`: it stays.
    pub unknown_wait: Option<Duration>,
    /// Requests a second at a task's metadata endpoint, and the burst.
    pub metadata_rate: (u32, u32),
    /// Whether metrics of tasks are sent.
    pub metrics: bool,
}

/// containerd and images.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    /// Socket of containerd.
    pub address: PathBuf,
    /// Namespace in containerd.
    pub namespace: String,
    /// Snapshotter.
    pub snapshotter: String,
    /// How long the start waits for containerd.
    pub wait: Duration,
    /// When images are pulled although they are there.
    pub pull_behavior: PullBehavior,
    /// Longest pull.
    pub pull_timeout: Duration,
    /// Longest silence within a transfer.
    pub pull_inactivity: Duration,
    /// How long an image that crashes containerd is kept out.
    pub image_quarantine: Duration,
    /// Registries spoken to in plain HTTP.
    pub insecure_registries: Vec<String>,
    /// Credentials of registries by host name.
    pub registry_auth: BTreeMap<String, RegistryAuth>,
}

/// When an image is pulled although it is there. Source: features 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullBehavior {
    /// Pull every time; a failed pull falls back to the image that is there.
    Default,
    /// Pull every time; a failed pull stops the task.
    Always,
    /// Pull when it was never pulled before.
    Once,
    /// Pull when it is not there.
    PreferCached,
}

/// Credentials of one registry.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistryAuth {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// The agent's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logging {
    /// Least severe level, as a filter word of `tracing`: `error`, `warn`, `info` or `debug`.
    pub level: &'static str,
    /// One JSON object a line.
    pub json: bool,
}
