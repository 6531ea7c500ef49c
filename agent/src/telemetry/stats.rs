//! Docker's statistics object, made of the last two readings of a container. Source: spec 6.2.
//!
//! Owns the shape, key by key as the Go agent passes it on. On cgroup v1 and v2 the keys of `memory_stats.stats` are the kernel's.

use super::reading::{ContainerReading, NetworkReading, Traffic};
use crate::endpoints::{docker_name, number};
use crate::view::runtime_id;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_core::spec::TaskSpec;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::Usage;

/// Go's zero time, which Docker prints where there is no reading before.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The newest readings of every task, as the sampler publishes them.
#[derive(Debug, Clone, Default)]
pub struct StatsView {
    /// By task.
    pub tasks: BTreeMap<TaskArn, TaskStats>,
}

/// The newest readings of a task.
#[derive(Debug, Clone, Default)]
pub struct TaskStats {
    /// By container name.
    pub containers: BTreeMap<String, Pair<ContainerReading>>,
    /// The task's interfaces; `None` for a task in the host's network or in none.
    pub network: Option<Pair<NetworkReading>>,
}

/// The newest reading and the one before it.
#[derive(Debug, Clone)]
pub struct Pair<T> {
    /// The newest.
    pub now: Arc<T>,
    /// The one before, if there was one.
    pub before: Option<Arc<T>>,
}

impl<T> Pair<T> {
    /// A first reading.
    pub fn first(now: T) -> Self {
        Self { now: Arc::new(now), before: None }
    }

    /// The pair after one more reading.
    pub fn next(&self, now: T) -> Self {
        Self { now: Arc::new(now), before: Some(Arc::clone(&self.now)) }
    }
}

/// Statistics of one container; `None` while it was never read.
pub fn container_stats(stats: &StatsView, task: &TaskSpec, container: &str) -> Option<StatsBody> {
    let own = stats.tasks.get(&task.arn)?;
    let readings = own.containers.get(container)?;
    Some(StatsBody::new(task, container, readings, own.network.as_ref()))
}

/// Statistics of every container of a task, by id; `null` for one that was never read.
pub fn task_stats(stats: &StatsView, task: &TaskSpec) -> BTreeMap<String, Option<StatsBody>> {
    let of = |name: &str| (runtime_id(&task.arn, name), container_stats(stats, task, name));
    task.containers.iter().map(|container| of(&container.name)).collect()
}

/// Answer to `/v4/<id>/stats`.
#[derive(Debug, Serialize)]
pub struct StatsBody {
    read: String,
    preread: String,
    pids_stats: PidsBody,
    blkio_stats: BlockBody,
    num_procs: u32,
    storage_stats: BTreeMap<(), ()>,
    cpu_stats: CpuBody,
    precpu_stats: CpuBody,
    memory_stats: MemoryBody,
    name: String,
    id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    networks: BTreeMap<String, TrafficBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_rate_stats: Option<RatesBody>,
}

impl StatsBody {
    fn new(
        task: &TaskSpec,
        container: &str,
        readings: &Pair<ContainerReading>,
        network: Option<&Pair<NetworkReading>>,
    ) -> Self {
        let (now, before) = (&readings.now, readings.before.as_deref());
        Self {
            read: now.at.wall.to_string(),
            preread: before.map_or(NEVER.to_owned(), |before| before.at.wall.to_string()),
            pids_stats: PidsBody { current: now.usage.pids.unwrap_or_default(), limit: now.usage.pids_limit },
            blkio_stats: BlockBody::new(&now.usage),
            num_procs: 0,
            storage_stats: BTreeMap::new(),
            cpu_stats: CpuBody::new(&now.usage),
            precpu_stats: before.map_or_else(CpuBody::default, |before| CpuBody::new(&before.usage)),
            memory_stats: MemoryBody::new(now),
            name: format!("/{}", docker_name(task, container)),
            id: runtime_id(&task.arn, container),
            networks: network.map(|pair| interfaces(&pair.now)).unwrap_or_default(),
            network_rate_stats: network.and_then(rates),
        }
    }
}

#[derive(Debug, Serialize)]
struct PidsBody {
    current: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct BlockBody {
    io_service_bytes_recursive: Vec<BlockEntry>,
    io_serviced_recursive: Vec<BlockEntry>,
    io_queue_recursive: Vec<BlockEntry>,
    io_service_time_recursive: Vec<BlockEntry>,
    io_wait_time_recursive: Vec<BlockEntry>,
    io_merged_recursive: Vec<BlockEntry>,
    io_time_recursive: Vec<BlockEntry>,
    sectors_recursive: Vec<BlockEntry>,
}

#[derive(Debug, Serialize)]
struct BlockEntry {
    major: u64,
    minor: u64,
    op: &'static str,
    value: u64,
}

impl BlockBody {
    /// All devices together, under device 0:0: their counters are read as a sum, and readers of this object add them up.
    fn new(usage: &Usage) -> Self {
        let bytes = [("read", usage.io_read_bytes), ("write", usage.io_write_bytes)];
        let entry = |(op, value)| BlockEntry { major: 0, minor: 0, op, value };
        let any = usage.io_read_bytes > 0 || usage.io_write_bytes > 0;
        let io_service_bytes_recursive = if any { bytes.map(entry).into() } else { Vec::new() };
        Self { io_service_bytes_recursive, ..Self::default() }
    }
}

#[derive(Debug, Default, Serialize)]
struct CpuBody {
    cpu_usage: CpuUsageBody,
    system_cpu_usage: u64,
    online_cpus: u32,
    throttling_data: ThrottlingBody,
}

#[derive(Debug, Default, Serialize)]
struct CpuUsageBody {
    total_usage: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    percpu_usage: Option<Vec<u64>>,
    usage_in_kernelmode: u64,
    usage_in_usermode: u64,
}

#[derive(Debug, Default, Serialize)]
struct ThrottlingBody {
    periods: u64,
    throttled_periods: u64,
    throttled_time: u64,
}

impl CpuBody {
    fn new(usage: &Usage) -> Self {
        Self {
            cpu_usage: CpuUsageBody {
                total_usage: usage.cpu_total_ns,
                percpu_usage: usage.cpu_per_cpu_ns.clone(),
                usage_in_kernelmode: usage.cpu_kernel_ns,
                usage_in_usermode: usage.cpu_user_ns,
            },
            system_cpu_usage: usage.system_cpu_ns,
            online_cpus: usage.online_cpus,
            throttling_data: ThrottlingBody {
                periods: usage.cpu_periods,
                throttled_periods: usage.cpu_throttled_periods,
                throttled_time: usage.cpu_throttled_ns,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct MemoryBody {
    usage: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_usage: Option<u64>,
    stats: BTreeMap<String, u64>,
    limit: u64,
}

impl MemoryBody {
    fn new(reading: &ContainerReading) -> Self {
        let usage = &reading.usage;
        Self {
            usage: usage.memory_usage,
            max_usage: usage.memory_max,
            stats: usage.memory_stat.clone(),
            limit: usage.memory_limit.unwrap_or(reading.host_memory),
        }
    }
}

#[derive(Debug, Serialize)]
struct TrafficBody {
    rx_bytes: u64,
    rx_packets: u64,
    rx_errors: u64,
    rx_dropped: u64,
    tx_bytes: u64,
    tx_packets: u64,
    tx_errors: u64,
    tx_dropped: u64,
}

impl From<Traffic> for TrafficBody {
    fn from(traffic: Traffic) -> Self {
        let Traffic {
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_dropped,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_dropped,
        } = traffic;
        Self { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped }
    }
}

fn interfaces(reading: &NetworkReading) -> BTreeMap<String, TrafficBody> {
    reading.interfaces.iter().map(|(name, traffic)| (name.clone(), (*traffic).into())).collect()
}

#[derive(Debug, Serialize)]
struct RatesBody {
    rx_bytes_per_sec: serde_json::Number,
    tx_bytes_per_sec: serde_json::Number,
}

fn rates(network: &Pair<NetworkReading>) -> Option<RatesBody> {
    let before = network.before.as_ref()?;
    let (received, sent) = network.now.rates(before)?;
    Some(RatesBody { rx_bytes_per_sec: number(received), tx_bytes_per_sec: number(sent) })
}
