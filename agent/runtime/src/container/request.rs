//! What a container is asked to be.

use super::LogTarget;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A container to create. Sources: spec 5, features 4.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateContainer {
    /// Id in containerd, unique in the namespace.
    pub id: String,
    /// Labels to find it again by. Those of the image are never added.
    pub labels: BTreeMap<String, String>,
    /// Bytes that containerd keeps with the container's record and gives back when it is listed; unlike a label's value they may
    /// be long.
    pub inscription: Vec<u8>,
    /// Full name of an image in the store.
    pub image: String,
    /// Containers with the same group share one shim.
    pub shim_group: String,
    /// Absolute path of its cgroup below each hierarchy, e.g. `/ecs/<task>/<container>`.
    pub cgroup_path: String,
    /// The network it joins.
    pub network: NetworkNamespace,
    /// Host name of its own; the host's when absent.
    pub hostname: Option<String>,
    /// How its process is run.
    pub process: ProcessOptions,
    /// Files and directories of the host to mount, made beforehand.
    pub mounts: Vec<Mount>,
    /// Limits of its cgroup.
    pub resources: Resources,
    /// Where its output goes.
    pub log: LogTarget,
}

/// The network a container joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkNamespace {
    /// A namespace pinned as a file.
    Path(PathBuf),
    /// The host's.
    Host,
}

/// How a container's process is run; what is absent comes from the image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessOptions {
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Replaces the image's entry point, and drops its command.
    pub entry_point: Option<Vec<String>>,
    /// Variables, laid over the image's.
    pub env: Environment,
    /// Variables that are set together, and only where neither the image nor `env` sets one of them.
    pub env_defaults: Environment,
    /// `uid`, `uid:gid`, `name` or `name:group`.
    pub user: Option<String>,
    /// Absolute directory the process starts in; made when missing.
    pub working_directory: Option<String>,
    /// A terminal is allocated; its output arrives as standard output.
    pub tty: bool,
    /// All capabilities and devices, no filter of system calls, nothing masked.
    pub privileged: bool,
    /// The root file system is read-only.
    pub readonly_root: bool,
    /// Programs cannot gain privileges, e.g. by set-user-ID.
    pub no_new_privileges: bool,
    /// Capabilities added to the default ones, with or without `CAP_`; `ALL` is known.
    pub cap_add: Vec<String>,
    /// Capabilities taken from the default ones.
    pub cap_drop: Vec<String>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// Kernel parameters of the container's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// tmpfs mounts: absolute path to mount options.
    pub tmpfs: BTreeMap<String, String>,
    /// Size of `/dev/shm` in bytes; 64 MiB when absent.
    pub shm_size: Option<u64>,
    /// Host devices to pass in.
    pub devices: Vec<Device>,
}

/// Variables of a process. Printing shows their names only, for values may be secrets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Goes through names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A resource limit of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// Name without `RLIMIT_`, lower case, e.g. `nofile`.
    pub name: String,
    /// Soft limit; -1 is unlimited.
    pub soft: i64,
    /// Hard limit; -1 is unlimited.
    pub hard: i64,
}

/// A host device given to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    pub container_path: String,
    /// Some of `r`, `w`, `m`; all when empty.
    pub permissions: String,
}

/// A file or directory of the host mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path on the host; has to exist.
    pub source: PathBuf,
    /// Absolute path in the container.
    pub target: PathBuf,
    /// Mounted read-only.
    pub read_only: bool,
}

/// Limits of a container's cgroup; absent is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resources {
    /// Relative weight, 2 to 262144, as cgroup v1 counts; converted on v2.
    pub cpu_shares: Option<u64>,
    /// Hard memory limit in bytes; as much swap may be used on top.
    pub memory_limit: Option<u64>,
    /// Soft memory limit in bytes.
    pub memory_reservation: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}
