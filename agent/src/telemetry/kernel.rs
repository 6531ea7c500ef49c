//! Readings of this host's kernel: cgroups of containers and interfaces of tasks.

use super::reading::{ContainerReading, Moment, NetworkReading, Traffic};
use super::sampler::Source;
use crate::effects::Places;
use std::path::Path;
use wharf_cni::counters::{self, InterfaceCounters};
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::{CgroupRoot, CgroupVersion};

/// The kernel of this host.
#[derive(Debug)]
pub struct Kernel {
    places: Places,
    cgroups: CgroupRoot,
    version: CgroupVersion,
    memory: u64,
}

impl Kernel {
    /// The kernel, with the tasks' cgroups and namespaces at these places.
    pub fn new(places: Places) -> Self {
        let cgroups = CgroupRoot::host();
        let version = cgroups.version();
        Self { places, cgroups, version, memory: host_memory(Path::new("/proc/meminfo")) }
    }
}

impl Source for Kernel {
    fn container(&self, task: &TaskArn, container: &str) -> Option<ContainerReading> {
        let usage = self.cgroups.usage(&format!("{}/{container}", self.places.cgroup(task)));
        let usage =
            usage.inspect_err(|error| tracing::debug!(%task, container, %error, "not sampled")).ok()?;
        let cache = match self.version {
            CgroupVersion::V1 => usage.memory_cache,
            CgroupVersion::V2 => usage.memory_inactive_file,
        };
        Some(ContainerReading { at: Moment::now(), usage, cache, host_memory: self.memory })
    }

    async fn network(&self, task: &TaskArn) -> Option<NetworkReading> {
        let counters = counters::read(&self.places.namespace(task)).await;
        let counters =
            counters.inspect_err(|error| tracing::debug!(%task, %error, "interfaces not sampled")).ok()?;
        let interfaces =
            counters.into_iter().map(|counters| (counters.name.clone(), traffic(&counters))).collect();
        Some(NetworkReading { at: Moment::now(), interfaces })
    }
}

fn traffic(counters: &InterfaceCounters) -> Traffic {
    Traffic {
        rx_bytes: counters.rx_bytes,
        rx_packets: counters.rx_packets,
        rx_errors: counters.rx_errors,
        rx_dropped: counters.rx_dropped,
        tx_bytes: counters.tx_bytes,
        tx_packets: counters.tx_packets,
        tx_errors: counters.tx_errors,
        tx_dropped: counters.tx_dropped,
    }
}

/// Memory in bytes; 0 when the kernel does not tell.
fn host_memory(meminfo: &Path) -> u64 {
    let text = std::fs::read_to_string(meminfo).unwrap_or_default();
    let kibibytes =
        |line: &str| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok();
    text.lines().find_map(kibibytes).map_or(0, |kibibytes| kibibytes.saturating_mul(1024))
}
