//! What a cgroup has used.

use super::hierarchy::relative;
use super::{CgroupRoot, CgroupVersion, InvalidPath, usage_v1, usage_v2};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Length of a tick in `/proc/stat` and `cpuacct.stat`: the kernel shows 100 per second on every platform of ours.
pub(super) const TICK_NS: u64 = 10_000_000;

/// What a cgroup and those below it have used. Times are in nanoseconds, sizes in bytes; what the host does not count is zero or absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in all.
    pub cpu_total_ns: u64,
    /// Processor time by processor; only v1 counts it.
    pub cpu_per_cpu_ns: Option<Vec<u64>>,
    /// Processor time in programs.
    pub cpu_user_ns: u64,
    /// Processor time in the kernel.
    pub cpu_kernel_ns: u64,
    /// Periods of the processor limit that have passed.
    pub cpu_periods: u64,
    /// Periods in which the limit was hit.
    pub cpu_throttled_periods: u64,
    /// Time spent waiting because of the limit.
    pub cpu_throttled_ns: u64,
    /// Memory in use, file cache included.
    pub memory_usage: u64,
    /// Most memory ever in use.
    pub memory_max: Option<u64>,
    /// Memory limit of this cgroup; absent is unlimited.
    pub memory_limit: Option<u64>,
    /// File cache that is not in use: what Docker takes off to show "memory used".
    pub memory_inactive_file: u64,
    /// File cache.
    pub memory_cache: u64,
    /// Every counter of `memory.stat` by its kernel name.
    pub memory_stat: BTreeMap<String, u64>,
    /// Processes killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Limit of processes and threads; absent is unlimited.
    pub pids_limit: Option<u64>,
    /// Bytes read from block devices.
    pub io_read_bytes: u64,
    /// Bytes written to block devices.
    pub io_write_bytes: u64,
    /// Processors of the host.
    pub online_cpus: u32,
    /// Processor time of the whole host since boot, idle included.
    pub system_cpu_ns: u64,
}

/// Why usage cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// No such path can be.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// There is no such cgroup: the container does not run.
    #[error("cgroup {path} does not exist")]
    NotFound {
        /// The cgroup path.
        path: String,
    },
    /// A counter cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

impl CgroupRoot {
    /// Reads what a cgroup, of a task or of a container, has used. Takes some tens of microseconds.
    pub fn usage(&self, path: &str) -> Result<Usage, UsageError> {
        let relative = relative(path)?;
        let read = match self.version() {
            CgroupVersion::V1 => usage_v1::read(self, &relative)?,
            CgroupVersion::V2 => usage_v2::read(&self.mount().join(&relative))?,
        };
        let usage = read.ok_or_else(|| UsageError::NotFound { path: path.to_owned() })?;
        self.with_host_counters(usage)
    }

    fn with_host_counters(&self, usage: Usage) -> Result<Usage, UsageError> {
        let path = self.proc().join("stat");
        let stat = fs::read_to_string(&path).map_err(|source| UsageError::Read { path, source })?;
        let (system_cpu_ns, online_cpus) = host_counters(&stat);
        Ok(Usage { system_cpu_ns, online_cpus, ..usage })
    }
}

/// Time of all processors, and how many there are.
fn host_counters(stat: &str) -> (u64, u32) {
    let mut total = 0;
    let mut processors = 0;
    for line in stat.lines() {
        let Some((name, values)) = line.split_once(' ') else { continue };
        if name == "cpu" {
            // user nice system idle iowait irq softirq steal; guest times, which follow, are counted in user already.
            let ticks = values.split_ascii_whitespace().take(8).filter_map(|value| value.parse::<u64>().ok());
            total = sum(ticks).saturating_mul(TICK_NS);
        } else if name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok()) {
            processors += 1;
        }
    }
    (total, processors)
}

/// The sum of counters; a kernel that counts beyond all numbers gives the last of them.
pub(super) fn sum(counters: impl Iterator<Item = u64>) -> u64 {
    counters.fold(0, u64::saturating_add)
}

/// Reads a file; `None` when it does not exist, or its cgroup has just gone.
pub(super) fn text(path: &Path) -> Result<Option<String>, UsageError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => Ok(None),
        Err(source) => Err(UsageError::Read { path: path.to_owned(), source }),
    }
}

/// Reads a file that holds one number; `max` is `None`, as is a missing file.
pub(super) fn number(path: &Path) -> Result<Option<u64>, UsageError> {
    Ok(text(path)?.and_then(|text| text.trim().parse().ok()))
}

/// Reads a file of names and numbers, one pair a line.
pub(super) fn pairs(path: &Path) -> Result<BTreeMap<String, u64>, UsageError> {
    let text = text(path)?.unwrap_or_default();
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    Ok(text.lines().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_time_is_the_sum_of_all_ticks_without_guests() {
        let stat =
            "cpu  10 1 2 100 3 0 1 2 50 50\ncpu0 5 0 1 50 1 0 0 1 0 0\ncpu1 5 1 1 50 2 0 1 1 0 0\nintr 99\n";
        assert_eq!(host_counters(stat), (119 * TICK_NS, 2));
    }
}
