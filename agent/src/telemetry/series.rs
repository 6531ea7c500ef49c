//! A container's samples since the last publish, bounded.

use super::reading::{ContainerReading, NetworkReading, Traffic};
use std::collections::VecDeque;
use std::time::Instant;

/// Samples kept while nobody publishes.
pub const CAPACITY: usize = 80;

/// The few numbers of a reading that metrics are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Processor time so far, in nanoseconds.
    pub cpu_ns: u64,
    /// Processors online.
    pub cpus: u32,
    /// Memory in use without reclaimable cache, in bytes.
    pub memory: u64,
    /// Bytes read from block devices so far.
    pub read_bytes: u64,
    /// Bytes written to block devices so far.
    pub write_bytes: u64,
    /// Traffic of the task's network; `None` for a task in the host's network or in none.
    pub traffic: Option<Traffic>,
    /// How often the container was started again so far; `None` without a restart policy.
    pub restarts: Option<u32>,
}

impl Sample {
    /// The sample of a container's reading, of its task's interfaces and of its restarts.
    pub fn new(reading: &ContainerReading, network: Option<&NetworkReading>, restarts: Option<u32>) -> Self {
        let usage = &reading.usage;
        Self {
            at: reading.at.instant,
            cpu_ns: usage.cpu_total_ns,
            cpus: usage.online_cpus,
            memory: usage.memory_usage.saturating_sub(reading.cache),
            read_bytes: usage.io_read_bytes,
            write_bytes: usage.io_write_bytes,
            traffic: network.map(NetworkReading::total),
            restarts,
        }
    }
}

/// Samples in order of time.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The last sample that was published or pushed out: the next one's rates are counted from it.
    before: Option<Sample>,
    unsent: VecDeque<Sample>,
}

impl Series {
    /// Adds a sample; the oldest makes room when [`CAPACITY`] are kept.
    pub fn push(&mut self, sample: Sample) {
        if self.unsent.len() == CAPACITY {
            self.before = self.unsent.pop_front();
        }
        self.unsent.push_back(sample);
    }

    /// Samples that were not published yet.
    pub fn unsent(&self) -> impl Iterator<Item = &Sample> + Clone {
        self.unsent.iter()
    }

    /// Each unsent sample that has one before it, with that one.
    pub fn steps(&self) -> impl Iterator<Item = (&Sample, &Sample)> {
        self.before
            .iter()
            .chain(&self.unsent)
            .zip(self.unsent.iter().skip(usize::from(self.before.is_none())))
    }

    /// Restarts among the unsent samples: since the last one before them, where there is one. `None` without a restart policy.
    pub fn restarts(&self) -> Option<u32> {
        let last = self.unsent.back()?.restarts?;
        let before = self.before.as_ref().or(self.unsent.front())?.restarts.unwrap_or_default();
        Some(last.saturating_sub(before))
    }

    /// Marks all samples as published.
    pub fn sent(&mut self) {
        self.before = self.unsent.pop_back().or(self.before);
        self.unsent.clear();
    }
}
