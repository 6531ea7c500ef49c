//! What the node is told about its host and about patience.

use crate::spec::Protocol;
use std::collections::BTreeSet;
use std::time::Duration;

/// Containers that are made at once for each processor of the host: part of the time of each it waits for containerd and the disk.
const MAKINGS_PER_PROCESSOR: usize = 4;

/// Settings of a node; values, no files.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeConfig {
    /// What the host has for tasks.
    pub host: HostResources,
    /// How long each act may take.
    pub limits: Limits,
    /// How long a change of a container alone waits for company before it is reported (spec 2.5).
    pub report_hold: Duration,
    /// How long the record, volumes and logs of a stopped task are kept (features 10).
    pub task_retention: Duration,
    /// How long the story of a stopped task is kept.
    pub history_age: Duration,
    /// Most stories that are kept; the oldest go first.
    pub history_count: usize,
    /// Waits between tries of a report.
    pub report_backoff: Backoff,
    /// Waits between tries of everything else: signals, removals, networks.
    pub effect_backoff: Backoff,
    /// How long a container may be listed whose task nobody knows before it is removed; `None` leaves it to the control plane.
    pub unknown_wait: Option<Duration>,
    /// How long an image that crashes the runtime is kept out; zero keeps out none.
    pub image_quarantine: Duration,
    /// Most containers that are made at once; the others wait in the order in which their tasks came.
    pub makings: usize,
    /// Tries after which a container that does not die is said to be unstoppable.
    pub stubborn_after: u32,
}

impl NodeConfig {
    /// The defaults for a host with these resources.
    pub fn new(host: HostResources) -> Self {
        let processors = usize::try_from(host.cpu / 1024).unwrap_or(1).max(1);
        let makings = MAKINGS_PER_PROCESSOR * processors;
        Self {
            host,
            limits: Limits::default(),
            report_hold: Duration::from_secs(10),
            task_retention: Duration::from_secs(3 * 3600),
            history_age: Duration::from_secs(7 * 24 * 3600),
            history_count: 1000,
            report_backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_secs(30) },
            effect_backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_secs(30) },
            unknown_wait: Some(Duration::from_secs(3600)),
            image_quarantine: Duration::from_secs(24 * 3600),
            makings,
            stubborn_after: 5,
        }
    }
}

/// What a host has for tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostResources {
    /// CPU units; 1024 are one vCPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Host ports that no task gets.
    pub reserved_ports: BTreeSet<(Protocol, u16)>,
}

/// How long acts may take. The shell bounds every call it makes; these bound what the node believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From admission of a task to its last image.
    pub pull: Duration,
    /// To make a task's network.
    pub network: Duration,
    /// To create a container.
    pub create: Duration,
    /// To start a container.
    pub start: Duration,
    /// Between SIGTERM and SIGKILL where the definition says nothing.
    pub stop: Duration,
}

impl Default for Limits {
    /// The ECS agent's own values; its two hours for a pull are the whole task's here.
    fn default() -> Self {
        Self {
            pull: Duration::from_secs(2 * 3600),
            network: Duration::from_secs(60),
            create: Duration::from_secs(240),
            start: Duration::from_secs(180),
            stop: Duration::from_secs(30),
        }
    }
}

/// Growing waits: `first`, then 1.3 times longer each, at most `most`; spread by up to a fifth either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure.
    pub first: Duration,
    /// Longest wait.
    pub most: Duration,
}

impl Backoff {
    /// The wait after failure number `attempt` (from 1). The spread is derived from `seed`, so it is the same in a replay.
    pub fn delay(&self, seed: &str, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1).min(64)).unwrap_or(64);
        let grown = self.first.as_secs_f64() * 1.3_f64.powi(exponent);
        let spread = 0.8 + 0.4 * f64::from(fnv(seed, attempt) % 1000) / 1000.0;
        Duration::from_secs_f64((grown.min(self.most.as_secs_f64()) * spread).min(self.most.as_secs_f64()))
    }
}

/// FNV-1a over the seed and the attempt: enough to keep neighbours apart, and the same everywhere.
fn fnv(seed: &str, attempt: u32) -> u32 {
    let bytes = seed.bytes().chain(attempt.to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
