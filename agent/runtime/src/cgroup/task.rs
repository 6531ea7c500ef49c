//! The cgroup above a task's containers: made with limits, emptied, removed.

use super::hierarchy::relative;
use super::{CgroupRoot, CgroupVersion, InvalidPath};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

const PAUSE: Duration = Duration::from_millis(20);
/// The kernel takes no smaller quota.
const LEAST_QUOTA: Duration = Duration::from_millis(1);
/// Controllers that limit or count what Wharf cares for.
const V2_CONTROLLERS: [&str; 5] = ["cpu", "memory", "pids", "io", "cpuset"];

/// Limits of a task; absent is unlimited. Source: features 4.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskLimits {
    /// Processor time.
    pub cpu: Option<CpuLimit>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

/// A limit of processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuLimit {
    /// At most so much in each period.
    Quota {
        /// Time in all, over all processors; raised to 1 ms, the least the kernel takes.
        quota: Duration,
        /// Length of a period, 1 ms to 1 s.
        period: Duration,
    },
    /// Relative weight as cgroup v1 counts, 2 to 262144; converted on v2.
    Shares(u64),
}

/// Why a task cgroup is not as wanted.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// No such path can be.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// A directory could not be made or removed.
    #[error("cannot {verb} cgroup {path}")]
    Directory {
        /// `create`, `remove` or `list`.
        verb: &'static str,
        /// The directory.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// A limit could not be set.
    #[error("cannot set {path} to {value}")]
    Limit {
        /// The file.
        path: PathBuf,
        /// What was to be written.
        value: String,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// This host has no controller for a limit.
    #[error("this host has no cgroup controller for {limit}")]
    NoController {
        /// The controller.
        limit: &'static str,
    },
    /// Processes are still in it.
    #[error("cgroup {path} still has processes: {processes:?}")]
    Busy {
        /// The cgroup path.
        path: String,
        /// Some of their ids.
        processes: Vec<u32>,
    },
}

impl CgroupError {
    pub(super) fn busy(path: &str, mut processes: Vec<u32>) -> Self {
        processes.truncate(10);
        Self::Busy { path: path.to_owned(), processes }
    }
}

impl CgroupRoot {
    /// Creates a cgroup in every hierarchy and sets its limits; one that exists gets the limits.
    pub fn create(&self, path: &str, limits: &TaskLimits) -> Result<(), CgroupError> {
        let relative = relative(path)?;
        match self.version() {
            CgroupVersion::V1 => self.create_v1(&relative, limits),
            CgroupVersion::V2 => self.create_v2(&relative, limits),
        }
    }

    /// Removes a cgroup and the empty ones below it from every hierarchy; a missing one is fine.
    ///
    /// The kernel lets go of a cgroup a little after its last process: this waits for that, at most `patience` long.
    pub async fn remove(&self, path: &str, patience: Duration) -> Result<(), CgroupError> {
        let relative = relative(path)?;
        let deadline = Instant::now() + patience;
        for hierarchy in self.list_hierarchies()? {
            let directory = hierarchy.join(&relative);
            while let Err(source) = remove_tree(&directory) {
                if Instant::now() >= deadline {
                    return Err(self.not_removed(path, directory, source));
                }
                Wait::named("the kernel to let go of it").owner(format!("cgroup {path}")).pause(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Lists the names of the cgroups directly below one, over all hierarchies; a missing one has none.
    pub fn children(&self, path: &str) -> Result<BTreeSet<String>, CgroupError> {
        let relative = relative(path)?;
        let mut names = BTreeSet::new();
        for hierarchy in self.list_hierarchies()? {
            let directory = hierarchy.join(&relative);
            let failed = |source| CgroupError::Directory { verb: "list", path: directory.clone(), source };
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                if entry.file_type().map_err(failed)?.is_dir() {
                    names.insert(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        Ok(names)
    }

    pub(super) fn list_hierarchies(&self) -> Result<Vec<PathBuf>, CgroupError> {
        let failed = |source| CgroupError::Directory { verb: "list", path: self.mount().to_owned(), source };
        self.hierarchies().map_err(failed)
    }

    fn not_removed(&self, path: &str, directory: PathBuf, source: io::Error) -> CgroupError {
        match self.processes(path).unwrap_or_default() {
            none if none.is_empty() => CgroupError::Directory { verb: "remove", path: directory, source },
            processes => CgroupError::busy(path, processes),
        }
    }

    fn create_v1(&self, relative: &Path, limits: &TaskLimits) -> Result<(), CgroupError> {
        for hierarchy in self.list_hierarchies()? {
            // In the unified one of a hybrid host nothing is limited or counted.
            if hierarchy.file_name().is_some_and(|name| name != "unified") {
                make_levels(&hierarchy, relative)?;
            }
        }
        let controller = |limit: &'static str| {
            let mount = self.controller(limit).ok_or(CgroupError::NoController { limit })?;
            Ok::<_, CgroupError>(mount.join(relative))
        };
        match limits.cpu {
            Some(CpuLimit::Quota { quota, period }) => {
                let directory = controller("cpu")?;
                set(&directory.join("cpu.cfs_period_us"), period.as_micros())?;
                set(&directory.join("cpu.cfs_quota_us"), quota.max(LEAST_QUOTA).as_micros())?;
            }
            Some(CpuLimit::Shares(shares)) => set(&controller("cpu")?.join("cpu.shares"), shares)?,
            None => {}
        }
        if let Some(bytes) = limits.memory {
            set(&controller("memory")?.join("memory.limit_in_bytes"), bytes)?;
        }
        if let Some(pids) = limits.pids {
            set(&controller("pids")?.join("pids.max"), pids)?;
        }
        Ok(())
    }

    fn create_v2(&self, relative: &Path, limits: &TaskLimits) -> Result<(), CgroupError> {
        let mut directory = self.mount().to_owned();
        for part in relative.components() {
            hand_down_controllers(&directory);
            directory.push(part);
            make(&directory)?;
        }
        let file = |limit: &'static str, name: &str| {
            let file = directory.join(name);
            if file.exists() { Ok(file) } else { Err(CgroupError::NoController { limit }) }
        };
        match limits.cpu {
            Some(CpuLimit::Quota { quota, period }) => {
                set(
                    &file("cpu", "cpu.max")?,
                    format!("{} {}", quota.max(LEAST_QUOTA).as_micros(), period.as_micros()),
                )?;
            }
            Some(CpuLimit::Shares(shares)) => set(&file("cpu", "cpu.weight")?, weight(shares))?,
            None => {}
        }
        if let Some(bytes) = limits.memory {
            set(&file("memory", "memory.max")?, bytes)?;
        }
        if let Some(pids) = limits.pids {
            set(&file("pids", "pids.max")?, pids)?;
        }
        Ok(())
    }
}

/// Shares of v1 (2 to 262144) as a weight of v2 (1 to 10000), by the formula that runc uses.
fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// Makes a cgroup level by level in one v1 hierarchy.
fn make_levels(hierarchy: &Path, relative: &Path) -> Result<(), CgroupError> {
    let mut directory = hierarchy.to_owned();
    for part in relative.components() {
        let above = directory.clone();
        directory.push(part);
        make(&directory)?;
        // A new cpuset is empty, and no process can enter it: it gets what the one above has.
        for name in ["cpuset.cpus", "cpuset.mems"] {
            inherit(&above.join(name), &directory.join(name))?;
        }
        let hierarchical = directory.join("memory.use_hierarchy");
        if hierarchical.exists() && read(&hierarchical).is_some_and(|value| value == "0") {
            set(&hierarchical, 1)?;
        }
    }
    Ok(())
}

fn inherit(above: &Path, below: &Path) -> Result<(), CgroupError> {
    match (read(above), read(below)) {
        (Some(value), Some(own)) if own.is_empty() => set(below, value),
        _ => Ok(()),
    }
}

/// Lets children of a v2 cgroup have controllers. One that cannot be had shows when a limit needs it.
fn hand_down_controllers(directory: &Path) {
    let available = read(&directory.join("cgroup.controllers")).unwrap_or_default();
    for controller in V2_CONTROLLERS.into_iter().filter(|one| available.split(' ').any(|other| other == *one))
    {
        if let Err(error) = fs::write(directory.join("cgroup.subtree_control"), format!("+{controller}")) {
            tracing::debug!(%error, controller, directory = %directory.display(), "controller not handed down");
        }
    }
}

fn make(directory: &Path) -> Result<(), CgroupError> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|source| CgroupError::Directory {
            verb: "create",
            path: directory.to_owned(),
            source,
        }),
    }
}

fn set(path: &Path, value: impl ToString) -> Result<(), CgroupError> {
    let value = value.to_string();
    fs::write(path, &value).map_err(|source| CgroupError::Limit { path: path.to_owned(), value, source })
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// Removes a directory and those below it, innermost first; files of cgroups go with their directory.
fn remove_tree(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights_as_runc_converts_them() {
        for (shares, expected) in [(2, 1), (1024, 39), (262_144, 10_000), (0, 1), (1 << 40, 10_000)] {
            assert_eq!(weight(shares), expected);
        }
    }
}
