//! The sampler at work on a fake host, and what TCS gets from it.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::fixture::{TASK_ID, healthy_since, recorded_task, task, task_arn, view, with_spec};
use crate::telemetry::{quiet, recorded_reading};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wharf_agent::telemetry::publisher::Publisher;
use wharf_agent::telemetry::reading::{ContainerReading, Moment, NetworkReading};
use wharf_agent::telemetry::sampler::{Metrics, Sampler, Source};
use wharf_agent::telemetry::stats::StatsView;
use wharf_agent::view::View;
use wharf_core::spec::{ContainerSpec, Network};
use wharf_link::tcs::{InstanceStatusReport, MetricsSnapshot, TelemetrySource};
use wharf_protocol::arn::TaskArn;

const DEADLINE: Duration = Duration::from_secs(10);

/// A host whose containers have all used what the recorded one had.
#[derive(Default)]
struct FakeHost {
    rounds: AtomicU64,
    asked_networks: Mutex<Vec<TaskArn>>,
    without: Option<&'static str>,
    /// Nothing can be read for now.
    hidden: AtomicBool,
}

impl Source for FakeHost {
    fn container(&self, task: &TaskArn, container: &str) -> Option<ContainerReading> {
        if container == "main" && *task == task_arn(TASK_ID) {
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
        let hidden = self.without == Some(container) || self.hidden.load(Ordering::SeqCst);
        (!hidden).then(|| recorded_reading(Moment::now(), 1))
    }

    async fn network(&self, task: &TaskArn) -> Option<NetworkReading> {
        self.asked_networks.lock().unwrap().push(task.clone());
        Some(quiet(Moment::now()))
    }
}

/// A sampler at work on a fake host.
struct Lab {
    host: Arc<FakeHost>,
    publisher: Publisher,
    view: watch::Sender<Arc<View>>,
    stats: watch::Receiver<Arc<StatsView>>,
    metrics: Metrics,
    stop: CancellationToken,
    ran: tokio::task::JoinHandle<()>,
}

impl Lab {
    fn run(view: View, enabled: bool) -> Self {
        Self::run_on(FakeHost::default(), view, enabled)
    }

    fn run_on(host: FakeHost, view: View, enabled: bool) -> Self {
        let (host, stop) = (Arc::new(host), CancellationToken::new());
        let (view, newest) = watch::channel(Arc::new(view));
        let (sampler, metrics, stats) = Sampler::new(Arc::clone(&host), newest.clone());
        let ran = tokio::spawn(sampler.run(Duration::from_millis(5), stop.clone()));
        let instance = watch::channel(InstanceStatusReport::default()).1;
        let publisher = Publisher { view: newest, metrics: enabled.then(|| metrics.clone()), instance };
        Self { host, publisher, view, stats, metrics, stop, ran }
    }

    /// Waits for `rounds` more rounds to be over.
    async fn rounds(&self, rounds: u64) {
        let mut stats = self.stats.clone();
        for _ in 0..rounds {
            stats.mark_unchanged();
            timeout(DEADLINE, stats.changed()).await.expect("the sampler goes on").unwrap();
        }
    }

    async fn metrics_when_there(&self) -> MetricsSnapshot {
        self.rounds(4).await;
        self.publisher.clone().metrics()
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.ran).await.expect("the sampler stops").unwrap();
    }
}

/// Every key in `sample` is in `ours` and the other way round, all the way down.
fn same_keys(sample: &Value, ours: &Value, place: &str) {
    match (sample, ours) {
        (Value::Object(sample), Value::Object(ours)) => {
            assert_eq!(sample.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{place}");
            for (key, value) in sample {
                same_keys(value, &ours[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(sample), Value::Array(ours)) => same_keys(&sample[0], &ours[0], &format!("{place}[]")),
        (sample, ours) => {
            assert_eq!(
                std::mem::discriminant(sample),
                std::mem::discriminant(ours),
                "{place}: {sample} and {ours}"
            );
        }
    }
}

#[tokio::test]
async fn metrics_have_the_keys_that_the_go_agent_sent() {
    let recorded: Value = serde_json::from_str(include_str!("samples/telemetry.json")).unwrap();
    let recorded = &recorded["last"]["PublishMetricsRequest"]["message"]["taskMetrics"];
    let lab = Lab::run(view([recorded_task()]), true);
    let MetricsSnapshot::Tasks(tasks) = lab.metrics_when_there().await else { panic!("a task runs") };
    same_keys(recorded, &serde_json::to_value(&tasks).unwrap(), "taskMetrics");
    assert_eq!(tasks[0].task_arn.as_deref(), Some(task_arn(TASK_ID).as_str()));
    lab.end().await;
}

#[tokio::test]
async fn the_network_is_measured_once_a_task_and_stands_with_each_of_its_containers() {
    let two = with_two_containers();
    let host_mode = with_spec(task("host"), |spec| spec.network = Network::Host);
    let lab = Lab::run(view([two, host_mode]), true);
    let MetricsSnapshot::Tasks(tasks) = lab.metrics_when_there().await else { panic!("tasks run") };
    let networks: Vec<Vec<bool>> = tasks
        .iter()
        .map(|task| task.container_metrics.iter().map(|one| one.network_stats_set.is_some()).collect())
        .collect();
    assert_eq!(networks, [vec![true, true], vec![false]]);
    let asked = lab.host.asked_networks.lock().unwrap().clone();
    assert!(asked.iter().all(|task| *task == task_arn(TASK_ID)), "{asked:?}");
    assert!(asked.len() as u64 <= lab.host.rounds.load(Ordering::SeqCst) + 1);
    lab.end().await;
}

fn with_two_containers() -> wharf_agent::view::TaskView {
    let mut two = with_spec(recorded_task(), |spec| {
        let other = ContainerSpec { name: "side".to_owned(), ..spec.containers[0].clone() };
        spec.containers.push(other);
    });
    two.containers.push(two.containers[0].clone());
    two
}

#[tokio::test]
async fn a_container_that_cannot_be_read_is_left_out_and_the_others_are_not() {
    let lab = Lab::run_on(
        FakeHost { without: Some("side"), ..FakeHost::default() },
        view([with_two_containers()]),
        true,
    );
    let MetricsSnapshot::Tasks(tasks) = lab.metrics_when_there().await else { panic!("a task runs") };
    let names: Vec<_> = tasks[0].container_metrics.iter().map(|one| one.container_name.as_deref()).collect();
    assert_eq!(names, [Some("main")]);
    lab.end().await;
}

#[tokio::test]
async fn a_task_that_no_longer_runs_is_forgotten() {
    let lab = Lab::run(view([recorded_task()]), true);
    lab.rounds(3).await;
    lab.view.send_replace(Arc::new(view([])));
    // One round may have begun with the old view.
    lab.rounds(2).await;
    assert_eq!(lab.metrics.take(), []);
    assert!(lab.stats.borrow().tasks.is_empty());
    assert_eq!(lab.publisher.clone().metrics(), MetricsSnapshot::Idle);
    lab.end().await;
}

#[tokio::test]
async fn restarts_are_not_lost_where_a_round_finds_no_cgroup_between_two_processes() {
    let task = |restarts| {
        let mut task = recorded_task();
        task.containers[0].restarts = Some(restarts);
        view([task])
    };
    let lab = Lab::run(task(0), true);
    lab.rounds(3).await;
    lab.host.hidden.store(true, Ordering::SeqCst);
    lab.rounds(3).await;
    lab.view.send_replace(Arc::new(task(1)));
    lab.host.hidden.store(false, Ordering::SeqCst);
    lab.rounds(3).await;
    let taken = lab.metrics.take();
    let restarts = taken[0].container_metrics[0].restart_stats_set.as_ref().unwrap();
    assert_eq!(restarts.restart_count, Some(1));
    lab.end().await;
}

#[tokio::test]
async fn metrics_switched_off_are_idle_and_health_still_flows() {
    let mut task = recorded_task();
    task.containers[0].health = Some(healthy_since("2026-11-21T09:02:00Z"));
    let mut lab = Lab::run(view([task]), false);
    assert_eq!(lab.metrics_when_there().await, MetricsSnapshot::Idle);
    assert_eq!(lab.publisher.health().len(), 1);
    lab.end().await;
}
