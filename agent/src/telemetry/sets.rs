//! From samples to the sets of `PublishMetricsRequest`: pure arithmetic. Source: spec 4.5.

use super::reading::Traffic;
use super::series::{Sample, Series};
use wharf_protocol::tcs::{
    CWStatsSet, ContainerMetric, NetworkStatsSet, RestartStatsSet, StorageStatsSet, UDoubleCWStatsSet,
    ULongStatsSet,
};

const MIB: u64 = 1024 * 1024;

/// A container's metrics from its unsent samples; `None` with fewer than two of them.
pub fn container_metric(name: &str, series: &Series) -> Option<ContainerMetric> {
    if series.unsent().count() < 2 {
        return None;
    }
    Some(ContainerMetric {
        container_name: Some(name.to_owned()),
        cpu_stats_set: CWStatsSet::of(series.steps().filter_map(cpu_percent)),
        memory_stats_set: CWStatsSet::of(series.unsent().map(|sample| (sample.memory / MIB) as f64)),
        storage_stats_set: Some(StorageStatsSet {
            read_size_bytes: counters(series.unsent().map(|sample| sample.read_bytes)),
            write_size_bytes: counters(series.unsent().map(|sample| sample.write_bytes)),
        }),
        network_stats_set: network(series),
        restart_stats_set: series
            .restarts()
            .map(|count| RestartStatsSet { restart_count: Some(i64::from(count)) }),
        ..ContainerMetric::default()
    })
}

/// Percentage of the whole host between two samples: 100 is every processor busy. `None` when no time has passed or the
/// counter went back, as it does when a container is made anew.
pub fn cpu_percent((before, now): (&Sample, &Sample)) -> Option<f64> {
    let elapsed = now.at.checked_duration_since(before.at)?.as_nanos() as f64;
    let used = now.cpu_ns.checked_sub(before.cpu_ns)? as f64;
    (elapsed > 0.0 && now.cpus > 0).then(|| 100.0 * used / f64::from(now.cpus) / elapsed)
}

fn network(series: &Series) -> Option<NetworkStatsSet> {
    let traffic = || series.unsent().filter_map(|sample| sample.traffic);
    traffic().next()?;
    let of = |counter: fn(Traffic) -> u64| counters(traffic().map(counter));
    let per_second = |counter: fn(Traffic) -> u64| {
        UDoubleCWStatsSet::of(series.steps().filter_map(|(before, now)| rate(before, now, counter)))
    };
    Some(NetworkStatsSet {
        rx_bytes: of(|traffic| traffic.rx_bytes),
        rx_packets: of(|traffic| traffic.rx_packets),
        rx_errors: of(|traffic| traffic.rx_errors),
        rx_dropped: of(|traffic| traffic.rx_dropped),
        rx_bytes_per_second: per_second(|traffic| traffic.rx_bytes),
        tx_bytes: of(|traffic| traffic.tx_bytes),
        tx_packets: of(|traffic| traffic.tx_packets),
        tx_errors: of(|traffic| traffic.tx_errors),
        tx_dropped: of(|traffic| traffic.tx_dropped),
        tx_bytes_per_second: per_second(|traffic| traffic.tx_bytes),
    })
}

fn rate(before: &Sample, now: &Sample, counter: fn(Traffic) -> u64) -> Option<f64> {
    let seconds = now.at.checked_duration_since(before.at)?.as_secs_f64();
    let moved = counter(now.traffic?).checked_sub(counter(before.traffic?))?;
    (seconds > 0.0).then(|| moved as f64 / seconds)
}

/// Least, largest, number and sum of some values.
struct Summary {
    min: f64,
    max: f64,
    count: i64,
    sum: f64,
}

impl Summary {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        values.fold(None, |so_far, value| {
            Some(match so_far {
                None => Self { min: value, max: value, count: 1, sum: value },
                Some(Self { min, max, count, sum }) => {
                    Self { min: min.min(value), max: max.max(value), count: count + 1, sum: sum + value }
                }
            })
        })
    }
}

trait StatsSet: Sized {
    /// The set of some values; `None` of no values.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self>;
}

impl StatsSet for CWStatsSet {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        Summary::of(values).map(|Summary { min, max, count, sum }| Self {
            min: Some(min),
            max: Some(max),
            sample_count: Some(count),
            sum: Some(sum),
        })
    }
}

impl StatsSet for UDoubleCWStatsSet {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        Summary::of(values).map(|Summary { min, max, count, sum }| Self {
            min: Some(min),
            max: Some(max),
            sample_count: Some(count),
            sum: Some(sum),
        })
    }
}

/// The set of raw counters; what does not fit into a signed 64-bit number stands in the overflow fields.
fn counters(values: impl Iterator<Item = u64> + Clone) -> Option<ULongStatsSet> {
    let (min, overflow_min) = split(values.clone().min()?);
    let (max, overflow_max) = split(values.clone().max()?);
    let (sum, overflow_sum) = split(values.clone().fold(0, u64::saturating_add));
    Some(ULongStatsSet {
        min: Some(min),
        max: Some(max),
        sample_count: i64::try_from(values.count()).ok(),
        sum: Some(sum),
        overflow_min: Some(overflow_min),
        overflow_max: Some(overflow_max),
        overflow_sum: Some(overflow_sum),
    })
}

/// A counter as a signed number and what is left over.
fn split(value: u64) -> (i64, i64) {
    let fits = value.min(i64::MAX as u64);
    let rest = value - fits;
    (fits as i64, i64::try_from(rest).unwrap_or(i64::MAX))
}
