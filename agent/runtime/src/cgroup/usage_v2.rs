//! Counters of cgroup v2: one directory has them all.

use super::usage::{Usage, UsageError, number, pairs, sum, text};
use std::path::Path;

/// Reads all counters; `None` when there is no such cgroup.
pub(super) fn read(path: &Path) -> Result<Option<Usage>, UsageError> {
    if !path.join("cgroup.procs").exists() {
        return Ok(None);
    }
    let cpu = pairs(&path.join("cpu.stat"))?;
    let microseconds = |name: &str| cpu.get(name).copied().unwrap_or(0).saturating_mul(1000);
    let count = |name: &str| cpu.get(name).copied().unwrap_or(0);
    let memory = pairs(&path.join("memory.stat"))?;
    let bytes = |name: &str| memory.get(name).copied().unwrap_or(0);
    let (io_read_bytes, io_write_bytes) = block_io(path)?;
    Ok(Some(Usage {
        cpu_total_ns: microseconds("usage_usec"),
        cpu_per_cpu_ns: None,
        cpu_user_ns: microseconds("user_usec"),
        cpu_kernel_ns: microseconds("system_usec"),
        cpu_periods: count("nr_periods"),
        cpu_throttled_periods: count("nr_throttled"),
        cpu_throttled_ns: microseconds("throttled_usec"),
        memory_usage: number(&path.join("memory.current"))?.unwrap_or(0),
        memory_max: number(&path.join("memory.peak"))?,
        memory_limit: number(&path.join("memory.max"))?,
        memory_inactive_file: bytes("inactive_file"),
        memory_cache: bytes("file"),
        oom_kills: pairs(&path.join("memory.events"))?.get("oom_kill").copied(),
        memory_stat: memory,
        pids: number(&path.join("pids.current"))?,
        pids_limit: number(&path.join("pids.max"))?,
        io_read_bytes,
        io_write_bytes,
        ..Usage::default()
    }))
}

/// Lines are `<device> rbytes=<n> wbytes=<n> …`.
fn block_io(path: &Path) -> Result<(u64, u64), UsageError> {
    let text = text(&path.join("io.stat"))?.unwrap_or_default();
    let sum_of = |key: &str| {
        let words = text.split_ascii_whitespace();
        sum(words.filter_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse::<u64>().ok()))
    };
    Ok((sum_of("rbytes"), sum_of("wbytes")))
}
