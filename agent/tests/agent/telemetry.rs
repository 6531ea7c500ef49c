//! From readings to what TCS and `/stats` say, against values computed by hand and against what the Go agent sent.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::fixture::{TASK_ID, docker_name, healthy_since, normalised, recorded_task, task, task_arn, view};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wharf_agent::telemetry::health::task_health;
use wharf_agent::telemetry::instance::{Doctor, RuntimeCheck};
use wharf_agent::telemetry::reading::{ContainerReading, Moment, NetworkReading, Traffic};
use wharf_agent::telemetry::series::{CAPACITY, Sample, Series};
use wharf_agent::telemetry::sets::container_metric;
use wharf_agent::telemetry::stats::{Pair, StatsView, TaskStats, container_stats, task_stats};
use wharf_agent::view::Stage;
use wharf_core::health::HealthStatus;
use wharf_link::tcs::InstanceStatusReport;
use wharf_protocol::Timestamp;
use wharf_runtime::cgroup::Usage;

const MIB: u64 = 1024 * 1024;

/// A sample `seconds` after `start` on two processors.
fn sample(start: Instant, seconds: u64, cpu_ns: u64) -> Sample {
    Sample {
        at: start + Duration::from_secs(seconds),
        cpu_ns,
        cpus: 2,
        memory: 0,
        read_bytes: 0,
        write_bytes: 0,
        traffic: None,
        restarts: None,
    }
}

fn received(rx_bytes: u64) -> Option<Traffic> {
    Some(Traffic { rx_bytes, ..Traffic::default() })
}

fn series(samples: impl IntoIterator<Item = Sample>) -> Series {
    let mut series = Series::default();
    samples.into_iter().for_each(|sample| series.push(sample));
    series
}

fn metric(series: &Series) -> Value {
    serde_json::to_value(container_metric("main", series)).unwrap()
}

fn numbers(set: &Value) -> [f64; 4] {
    ["min", "max", "sampleCount", "sum"]
        .map(|key| set[key].as_f64().unwrap_or_else(|| panic!("no {key} in {set}")))
}

#[test]
fn cpu_is_a_percentage_of_the_whole_host_between_two_samples() {
    let start = Instant::now();
    // 1 s of processor time in 1 s on two processors: 50 %. Then 0.5 s in 2 s: 12.5 %.
    let series =
        series([sample(start, 0, 0), sample(start, 1, 1_000_000_000), sample(start, 3, 1_500_000_000)]);
    assert_eq!(numbers(&metric(&series)["cpuStatsSet"]), [12.5, 50.0, 2.0, 62.5]);
}

#[test]
fn a_counter_that_went_back_gives_no_percentage() {
    let start = Instant::now();
    let series = series([sample(start, 0, 900), sample(start, 1, 0), sample(start, 2, 1_000_000_000)]);
    assert_eq!(numbers(&metric(&series)["cpuStatsSet"]), [50.0, 50.0, 1.0, 50.0]);
}

#[test]
fn samples_of_the_same_instant_divide_nothing_by_zero() {
    let start = Instant::now();
    let twice = || Sample { traffic: received(5), ..sample(start, 1, 7) };
    let body = metric(&series([twice(), twice()]));
    assert_eq!(body.get("cpuStatsSet"), None);
    assert_eq!(body["networkStatsSet"].get("rxBytesPerSecond"), None);
    assert_eq!(numbers(&body["networkStatsSet"]["rxBytes"]), [5.0, 5.0, 2.0, 10.0]);
}

#[test]
fn memory_is_in_whole_mebibytes() {
    let start = Instant::now();
    let with = |seconds, memory| Sample { memory, ..sample(start, seconds, 0) };
    let series = series([with(0, 63 * MIB + 1), with(1, 64 * MIB), with(2, 65 * MIB - 1)]);
    assert_eq!(numbers(&metric(&series)["memoryStatsSet"]), [63.0, 64.0, 3.0, 191.0]);
}

#[test]
fn storage_and_network_are_the_raw_counters_and_rates_are_between_samples() {
    let start = Instant::now();
    let with = |seconds, rx, read| Sample {
        traffic: received(rx),
        read_bytes: read,
        write_bytes: 10 * read,
        ..sample(start, seconds, 0)
    };
    let body = metric(&series([with(0, 200, 1), with(2, 400, 2), with(3, 1000, 4)]));
    assert_eq!(numbers(&body["networkStatsSet"]["rxBytes"]), [200.0, 1000.0, 3.0, 1600.0]);
    assert_eq!(numbers(&body["networkStatsSet"]["rxBytesPerSecond"]), [100.0, 600.0, 2.0, 700.0]);
    assert_eq!(numbers(&body["networkStatsSet"]["txBytesPerSecond"]), [0.0, 0.0, 2.0, 0.0]);
    assert_eq!(numbers(&body["storageStatsSet"]["readSizeBytes"]), [1.0, 4.0, 3.0, 7.0]);
    assert_eq!(numbers(&body["storageStatsSet"]["writeSizeBytes"]), [10.0, 40.0, 3.0, 70.0]);
}

#[test]
fn what_exceeds_a_signed_number_stands_in_the_overflow_fields() {
    let start = Instant::now();
    let most = i64::MAX as u64;
    let with = |seconds, rx| Sample { traffic: received(rx), ..sample(start, seconds, 0) };
    let body = metric(&series([with(0, most), with(1, most + 5)]));
    let expected = json!({
        "min": i64::MAX, "max": i64::MAX, "sampleCount": 2, "sum": i64::MAX,
        "overflowMin": 0, "overflowMax": 5, "overflowSum": i64::MAX,
    });
    assert_eq!(body["networkStatsSet"]["rxBytes"], expected);
}

#[test]
fn a_task_without_a_network_of_its_own_has_no_network_set() {
    let start = Instant::now();
    assert_eq!(metric(&series([sample(start, 0, 0), sample(start, 1, 0)])).get("networkStatsSet"), None);
}

#[test]
fn restarts_are_counted_since_the_last_publish_and_only_where_there_is_a_policy() {
    let start = Instant::now();
    let with = |seconds, restarts| Sample { restarts: Some(restarts), ..sample(start, seconds, 0) };
    let mut all = series([with(0, 3), with(1, 3), with(2, 5)]);
    assert_eq!(metric(&all)["restartStatsSet"], json!({ "restartCount": 2 }));
    all.sent();
    all.push(with(3, 6));
    all.push(with(4, 6));
    assert_eq!(metric(&all)["restartStatsSet"], json!({ "restartCount": 1 }), "also between two publishes");
    let without = series([sample(start, 0, 0), sample(start, 1, 0)]);
    assert_eq!(metric(&without).get("restartStatsSet"), None);
}

#[test]
fn fewer_than_two_samples_make_no_metric() {
    let start = Instant::now();
    assert_eq!(metric(&series([])), Value::Null);
    assert_eq!(metric(&series([sample(start, 0, 0)])), Value::Null);
}

#[test]
fn only_samples_since_the_last_publish_count_and_rates_go_on_from_it() {
    let start = Instant::now();
    let mut series = series([sample(start, 0, 0), sample(start, 1, 0)]);
    series.sent();
    assert_eq!(metric(&series), Value::Null);
    series.push(sample(start, 2, 2_000_000_000));
    assert_eq!(metric(&series), Value::Null, "one new sample is not enough");
    series.push(sample(start, 3, 2_000_000_000));
    let body = metric(&series);
    // The first of the two is measured against the last that was sent.
    assert_eq!(numbers(&body["cpuStatsSet"]), [0.0, 100.0, 2.0, 100.0]);
    assert_eq!(body["memoryStatsSet"]["sampleCount"], 2);
}

#[test]
fn a_series_that_nobody_publishes_stays_bounded_and_keeps_the_newest() {
    let start = Instant::now();
    let series = series((0..1000).map(|second| sample(start, second, second * 2_000_000_000)));
    let body = metric(&series);
    assert_eq!(body["memoryStatsSet"]["sampleCount"], CAPACITY);
    assert_eq!(numbers(&body["cpuStatsSet"]), [100.0, 100.0, CAPACITY as f64, 100.0 * CAPACITY as f64]);
}

fn moment(text: &str, start: Instant) -> Moment {
    let wall: jiff::Timestamp = text.parse().unwrap();
    let second = Duration::from_nanos((wall.as_nanosecond() % 60_000_000_000) as u64);
    Moment { instant: start + second, wall }
}

/// The numbers of `tmds_awsvpc_v4_stats.json`.
pub fn recorded_reading(at: Moment, system_cpu_ns: u64) -> ContainerReading {
    let sample: Value = serde_json::from_str(include_str!("samples/tmds_awsvpc_v4_stats.json")).unwrap();
    let details = sample["memory_stats"]["stats"].as_object().unwrap();
    let usage = Usage {
        cpu_total_ns: 20_358_180,
        cpu_user_ns: 10_000_000,
        cpu_per_cpu_ns: Some(vec![2_190_838, 18_167_342]),
        memory_usage: 2_498_560,
        memory_max: Some(3_567_616),
        memory_limit: Some(33_554_432),
        memory_stat: details.iter().map(|(key, value)| (key.clone(), value.as_u64().unwrap())).collect(),
        pids: Some(1),
        online_cpus: 2,
        system_cpu_ns,
        ..Usage::default()
    };
    ContainerReading { at, usage, cache: 1_855_488, host_memory: 25_276_502_016 }
}

pub fn quiet(at: Moment) -> NetworkReading {
    NetworkReading { at, interfaces: BTreeMap::from([("eth0".to_owned(), Traffic::default())]) }
}

fn recorded_stats() -> StatsView {
    let start = Instant::now();
    let (before, now) =
        (moment("2026-11-21T09:01:21.560115763Z", start), moment("2026-11-21T09:01:22.566397692Z", start));
    let containers = Pair::first(recorded_reading(before, 7_216_680_000_000))
        .next(recorded_reading(now, 7_218_680_000_000));
    let task = TaskStats {
        containers: BTreeMap::from([("main".to_owned(), containers)]),
        network: Some(Pair::first(quiet(before)).next(quiet(now))),
    };
    StatsView { tasks: BTreeMap::from([(task_arn(TASK_ID), task)]) }
}

#[test]
fn stats_are_those_of_the_go_agent_to_the_letter_beside_the_interfaces() {
    let (stats, spec) = (recorded_stats(), recorded_task().spec);
    // The recorded body has no `networks`, though Docker's form does; Wharf gives them.
    let networks = concat!(
        r#","networks":{"eth0":{"rx_bytes":0,"rx_packets":0,"rx_errors":0,"rx_dropped":0,"#,
        r#""tx_bytes":0,"tx_packets":0,"tx_errors":0,"tx_dropped":0}},"network_rate_stats""#
    );
    let expected = |sample| normalised(sample).replace(r#","network_rate_stats""#, networks);
    let one = serde_json::to_string(&container_stats(&stats, &spec, "main")).unwrap();
    assert_eq!(one, expected(include_str!("samples/tmds_awsvpc_v4_stats.json")));
    let all = serde_json::to_string(&task_stats(&stats, &spec)).unwrap();
    assert_eq!(all, expected(include_str!("samples/tmds_awsvpc_v4_task_stats.json")));
}

#[test]
fn cgroup_v2_stats_leave_out_what_it_does_not_count_and_a_missing_limit_is_the_host() {
    let usage =
        Usage { cpu_total_ns: 5, memory_usage: 9, io_read_bytes: 1, io_write_bytes: 2, ..Usage::default() };
    let reading = ContainerReading { usage, ..recorded_reading(Moment::now(), 1) };
    let task =
        TaskStats { containers: BTreeMap::from([("main".to_owned(), Pair::first(reading))]), network: None };
    let stats = StatsView { tasks: BTreeMap::from([(task_arn(TASK_ID), task)]) };
    let body = serde_json::to_value(container_stats(&stats, &recorded_task().spec, "main")).unwrap();
    assert_eq!(body["cpu_stats"]["cpu_usage"].get("percpu_usage"), None);
    assert_eq!(body["memory_stats"], json!({"usage": 9, "stats": {}, "limit": 25_276_502_016_u64}));
    let bytes = json!([
        {"major": 0, "minor": 0, "op": "read", "value": 1}, {"major": 0, "minor": 0, "op": "write", "value": 2},
    ]);
    assert_eq!(body["blkio_stats"]["io_service_bytes_recursive"], bytes);
    assert_eq!((body.get("networks"), body.get("network_rate_stats")), (None, None));
    assert_eq!(body["preread"], "0001-01-01T00:00:00Z");
    assert_eq!(body["precpu_stats"]["cpu_usage"]["total_usage"], 0);
    assert_eq!(body["name"], format!("/{}", docker_name()));
}

#[test]
fn network_rates_are_per_second_over_all_interfaces() {
    let start = Instant::now();
    let reading = |second, first, other| NetworkReading {
        at: moment(&format!("2026-11-21T09:01:0{second}Z"), start),
        interfaces: [("eth0", first), ("eth1", other)]
            .map(|(name, rx_bytes)| {
                (name.to_owned(), Traffic { rx_bytes, tx_bytes: 1, ..Traffic::default() })
            })
            .into(),
    };
    assert_eq!(reading(4, 500, 300).rates(&reading(2, 100, 100)), Some((300.0, 0.0)));
    assert_eq!(reading(2, 500, 300).rates(&reading(2, 100, 100)), None, "no time has passed");
    assert_eq!(reading(4, 0, 0).rates(&reading(2, 100, 100)), None, "counters went back");
}

#[test]
fn health_is_told_of_containers_with_a_check_until_they_end() {
    let mut healthy = recorded_task();
    healthy.containers[0].health = Some(healthy_since("2026-11-21T09:02:00.5Z"));
    let body = serde_json::to_value(task_health(&view([healthy.clone(), task("other")]))).unwrap();
    let expected = json!([{
        "taskArn": task_arn(TASK_ID).as_str(), "taskDefinitionFamily": "bench", "taskDefinitionVersion": "1",
        "containers": [{"containerName": "main", "healthStatus": "HEALTHY", "statusSince": 1_795_251_720.5}],
    }]);
    assert_eq!(body, expected);
    healthy.containers[0].health.as_mut().unwrap().status = HealthStatus::Unhealthy;
    assert_eq!(
        task_health(&view([healthy.clone()]))[0].containers[0].health_status.as_deref(),
        Some("UNHEALTHY")
    );
    healthy.containers[0].known = Stage::Stopped;
    assert_eq!(task_health(&view([healthy])), []);
}

#[test]
fn the_runtimes_status_changes_only_when_the_answer_does() {
    let at = Timestamp::from_millis;
    let mut check = RuntimeCheck::new(at(1));
    let told = |check: &RuntimeCheck| {
        let InstanceStatusReport { run, statuses } = check.report();
        let one = &statuses[0];
        assert_eq!(one.r#type.as_deref(), Some("ContainerRuntime"));
        (run, one.status.clone().unwrap(), one.last_updated.unwrap(), one.last_status_change.unwrap())
    };
    assert_eq!(told(&check), (0, "INITIALIZING".to_owned(), at(1), at(1)));
    for (answered, now, word, changed) in [(true, 2, "OK", 2), (true, 3, "OK", 2), (false, 4, "IMPAIRED", 4)]
    {
        check.record(answered, at(now));
        assert_eq!(told(&check), (now as u64 - 1, word.to_owned(), at(now), at(changed)));
    }
}

#[tokio::test]
async fn the_doctor_looks_at_the_start_and_at_each_heartbeat_and_a_silent_runtime_is_impaired() {
    let (doctor, mut report) = Doctor::with_patience(Duration::from_millis(50));
    assert_eq!(report.borrow().run, 0);
    let (heartbeat, stop, pings) =
        (Arc::new(Notify::new()), CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&pings);
    let ping = move || {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        // The first ping is answered, the second one never.
        async move { nth == 0 || std::future::pending().await }
    };
    let ran = tokio::spawn(doctor.run(ping, Arc::clone(&heartbeat), stop.clone()));
    let after = |run| move |report: &InstanceStatusReport| report.run == run;
    let first = report.wait_for(after(1)).await.unwrap().statuses[0].status.clone();
    assert_eq!(first.as_deref(), Some("OK"));
    heartbeat.notify_one();
    let second = report.wait_for(after(2)).await.unwrap().statuses[0].status.clone();
    assert_eq!((second.as_deref(), pings.load(Ordering::SeqCst)), (Some("IMPAIRED"), 2));
    stop.cancel();
    ran.await.unwrap();
}
