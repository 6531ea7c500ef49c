//! One look at what a container or a task's interfaces have used: plain numbers, cgroup v1 and v2 alike.

use std::collections::BTreeMap;
use std::time::Instant;
use wharf_runtime::cgroup::Usage;

/// When a reading was taken: the instant for rates, the time of day for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For differences; never steps.
    pub instant: Instant,
    /// For print.
    pub wall: jiff::Timestamp,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { instant: Instant::now(), wall: jiff::Timestamp::now() }
    }
}

/// What a container's cgroup says.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerReading {
    /// When.
    pub at: Moment,
    /// Every counter.
    pub usage: Usage,
    /// The part of `usage.memory_usage` that does not count as the container's, in bytes: v1 the file cache, v2 its inactive part.
    pub cache: u64,
    /// Memory of the host in bytes: Docker's limit of a container that has none.
    pub host_memory: u64,
}

/// Counters of one interface since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Packets dropped on receipt.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Send errors.
    pub tx_errors: u64,
    /// Packets dropped before they were sent.
    pub tx_dropped: u64,
}

impl std::iter::Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            rx_bytes: sum.rx_bytes.saturating_add(one.rx_bytes),
            rx_packets: sum.rx_packets.saturating_add(one.rx_packets),
            rx_errors: sum.rx_errors.saturating_add(one.rx_errors),
            rx_dropped: sum.rx_dropped.saturating_add(one.rx_dropped),
            tx_bytes: sum.tx_bytes.saturating_add(one.tx_bytes),
            tx_packets: sum.tx_packets.saturating_add(one.tx_packets),
            tx_errors: sum.tx_errors.saturating_add(one.tx_errors),
            tx_dropped: sum.tx_dropped.saturating_add(one.tx_dropped),
        })
    }
}

/// What a task's interfaces say, loopback left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkReading {
    /// When.
    pub at: Moment,
    /// Counters by interface name.
    pub interfaces: BTreeMap<String, Traffic>,
}

impl NetworkReading {
    /// All interfaces together.
    pub fn total(&self) -> Traffic {
        self.interfaces.values().copied().sum()
    }

    /// Bytes received and sent per second since `before`; `None` when no time has passed or a counter went back.
    pub fn rates(&self, before: &Self) -> Option<(f64, f64)> {
        let seconds = self.at.instant.checked_duration_since(before.at.instant)?.as_secs_f64();
        let (now, then) = (self.total(), before.total());
        let received = now.rx_bytes.checked_sub(then.rx_bytes)?;
        let sent = now.tx_bytes.checked_sub(then.tx_bytes)?;
        (seconds > 0.0).then(|| (received as f64 / seconds, sent as f64 / seconds))
    }
}
