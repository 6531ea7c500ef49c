//! Counters of cgroup v1: one hierarchy per controller.

use super::CgroupRoot;
use super::usage::{TICK_NS, Usage, UsageError, number, pairs, sum, text};
use std::path::{Path, PathBuf};

/// The kernel's "unlimited" is the largest number of whole pages.
const UNLIMITED: u64 = 0x7fff_ffff_ffff_0000;

/// Reads all counters; `None` when the cgroup is in no hierarchy that counts.
pub(super) fn read(root: &CgroupRoot, relative: &Path) -> Result<Option<Usage>, UsageError> {
    let directory = |controller: &str| {
        let path = root.controller(controller).map(|mount| mount.join(relative));
        path.filter(|path| path.exists())
    };
    let (cpuacct, memory) = (directory("cpuacct"), directory("memory"));
    if cpuacct.is_none() && memory.is_none() {
        return Ok(None);
    }
    let mut usage = Usage::default();
    if let Some(path) = cpuacct {
        processor_time(&path, &mut usage)?;
    }
    if let Some(path) = directory("cpu") {
        let stat = pairs(&path.join("cpu.stat"))?;
        usage.cpu_periods = value(&stat, "nr_periods");
        usage.cpu_throttled_periods = value(&stat, "nr_throttled");
        usage.cpu_throttled_ns = value(&stat, "throttled_time");
    }
    if let Some(path) = memory {
        memory_use(&path, &mut usage)?;
    }
    if let Some(path) = directory("pids") {
        usage.pids = number(&path.join("pids.current"))?;
        usage.pids_limit = number(&path.join("pids.max"))?;
    }
    if let Some(path) = directory("blkio") {
        (usage.io_read_bytes, usage.io_write_bytes) = block_io(&path)?;
    }
    Ok(Some(usage))
}

fn processor_time(path: &Path, usage: &mut Usage) -> Result<(), UsageError> {
    usage.cpu_total_ns = number(&path.join("cpuacct.usage"))?.unwrap_or(0);
    let per_cpu = text(&path.join("cpuacct.usage_percpu"))?;
    usage.cpu_per_cpu_ns =
        per_cpu.map(|line| line.split_ascii_whitespace().filter_map(|time| time.parse().ok()).collect());
    let stat = pairs(&path.join("cpuacct.stat"))?;
    usage.cpu_user_ns = value(&stat, "user").saturating_mul(TICK_NS);
    usage.cpu_kernel_ns = value(&stat, "system").saturating_mul(TICK_NS);
    Ok(())
}

fn memory_use(path: &Path, usage: &mut Usage) -> Result<(), UsageError> {
    usage.memory_usage = number(&path.join("memory.usage_in_bytes"))?.unwrap_or(0);
    usage.memory_max = number(&path.join("memory.max_usage_in_bytes"))?;
    usage.memory_limit = number(&path.join("memory.limit_in_bytes"))?.filter(|limit| *limit < UNLIMITED);
    let stat = pairs(&path.join("memory.stat"))?;
    // `total_` counts the cgroups below as well, as everything else here does.
    usage.memory_inactive_file = value(&stat, "total_inactive_file");
    usage.memory_cache = value(&stat, "total_cache");
    usage.oom_kills = pairs(&path.join("memory.oom_control"))?.get("oom_kill").copied();
    usage.memory_stat = stat;
    Ok(())
}

/// Lines are `<device> Read <bytes>`; the recursive file counts the cgroups below, older kernels lack it.
fn block_io(path: &Path) -> Result<(u64, u64), UsageError> {
    let files = ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"];
    let files: Vec<PathBuf> = files.into_iter().map(|file| path.join(file)).collect();
    let text = match text(&files[0])? {
        Some(text) => text,
        None => text_or_empty(&files[1])?,
    };
    let sum_of = |kind: &str| {
        let bytes = |line: &str| {
            let mut words = line.split_ascii_whitespace().skip(1);
            (words.next()? == kind).then_some(words.next()?.parse::<u64>().ok()?)
        };
        sum(text.lines().filter_map(bytes))
    };
    Ok((sum_of("Read"), sum_of("Write")))
}

fn text_or_empty(path: &Path) -> Result<String, UsageError> {
    Ok(text(path)?.unwrap_or_default())
}

fn value(stat: &std::collections::BTreeMap<String, u64>, name: &str) -> u64 {
    stat.get(name).copied().unwrap_or(0)
}
