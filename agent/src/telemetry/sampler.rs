//! The loop that reads what containers use, keeps a short history of it and hands it out.
//!
//! Owns every series; others ask by message ([`Metrics`]) or read the newest snapshot (the watch of [`StatsView`]). A reading that
//! fails is left out: a container may be gone a moment after the view said that it runs.

use super::reading::{ContainerReading, HostReading, NetworkReading};
use super::series::{Sample, Series};
use super::sets::container_metric;
use super::stats::{Pair, StatsView, TaskStats};
use crate::view::{Stage, TaskView, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wharf_core::spec::{Network, TaskSpec};
use wharf_protocol::arn::TaskArn;
use wharf_protocol::tcs::TaskMetric;

/// Time between two samples: eight of them in each 20 s publish.
pub const INTERVAL: Duration = Duration::from_millis(2500);

/// Where readings come from. Called on a thread that may block.
pub trait Source: Send + Sync + 'static {
    /// The host now.
    fn host(&self) -> HostReading;
    /// A container's cgroup; `None` when it cannot be read.
    fn container(&self, task: &TaskArn, container: &str, host: HostReading) -> Option<ContainerReading>;
    /// The interfaces in a task's own namespace; `None` when they cannot be read.
    fn network(&self, task: &TaskArn) -> Option<NetworkReading>;
}

/// Asks the sampler for metrics.
#[derive(Debug, Clone)]
pub struct Metrics(mpsc::Sender<oneshot::Sender<Vec<TaskMetric>>>);

impl Metrics {
    /// Metrics of every running task since the last call; empty when there are none or the sampler has stopped.
    pub async fn publish(&self) -> Vec<TaskMetric> {
        let (answer, metrics) = oneshot::channel();
        // The channel is full only while other publishers wait too; there is one, so this does not wait.
        match self.0.send(answer).await {
            Ok(()) => metrics.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

/// The sampling loop; [`Sampler::run`] is to be spawned and joined by whoever makes it.
#[derive(Debug)]
pub struct Sampler<S> {
    source: Arc<S>,
    view: watch::Receiver<Arc<View>>,
    requests: mpsc::Receiver<oneshot::Sender<Vec<TaskMetric>>>,
    stats: watch::Sender<Arc<StatsView>>,
    tasks: BTreeMap<TaskArn, History>,
}

/// What is kept of a task.
#[derive(Debug)]
struct History {
    spec: Arc<TaskSpec>,
    series: BTreeMap<String, Series>,
}

/// What one round of reading brought of a task.
struct Round {
    spec: Arc<TaskSpec>,
    containers: BTreeMap<String, ContainerReading>,
    network: Option<NetworkReading>,
}

impl<S: Source> Sampler<S> {
    /// A sampler with the two ways to its results.
    pub fn new(
        source: S,
        view: watch::Receiver<Arc<View>>,
    ) -> (Self, Metrics, watch::Receiver<Arc<StatsView>>) {
        let (ask, requests) = mpsc::channel(4);
        let (stats, newest) = watch::channel(Arc::default());
        let sampler = Self { source: Arc::new(source), view, requests, stats, tasks: BTreeMap::new() };
        (sampler, Metrics(ask), newest)
    }

    /// Samples every `interval` until `stop`.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: a tick, a request or the stop that is not taken now is taken in the next turn.
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.sample().await,
                Some(answer) = self.requests.recv() => {
                    // Whoever asked may have gone; then nobody misses the metrics.
                    let _ = answer.send(self.publish());
                }
            }
        }
    }

    async fn sample(&mut self) {
        let view = Arc::clone(&self.view.borrow());
        let source = Arc::clone(&self.source);
        match tokio::task::spawn_blocking(move || read(&*source, &view)).await {
            Ok(rounds) => self.take(rounds),
            Err(error) => tracing::error!(%error, "a round of sampling ended in a panic"),
        }
    }

    fn take(&mut self, rounds: Vec<Round>) {
        let before = Arc::clone(&self.stats.borrow());
        let mut after = StatsView::default();
        let mut tasks = BTreeMap::new();
        for round in rounds {
            let arn = round.spec.arn.clone();
            tasks.insert(arn.clone(), History::after(self.tasks.remove(&arn), &round));
            after.tasks.insert(arn.clone(), newest(before.tasks.get(&arn), round));
        }
        // What no round brought no longer runs, and is forgotten here.
        self.tasks = tasks;
        self.stats.send_replace(Arc::new(after));
    }

    fn publish(&mut self) -> Vec<TaskMetric> {
        self.tasks.values_mut().filter_map(History::publish).collect()
    }
}

impl History {
    fn after(before: Option<Self>, round: &Round) -> Self {
        let mut series = before.map(|history| history.series).unwrap_or_default();
        series.retain(|name, _| round.containers.contains_key(name));
        for (name, reading) in &round.containers {
            series.entry(name.clone()).or_default().push(Sample::new(reading, round.network.as_ref()));
        }
        Self { spec: Arc::clone(&round.spec), series }
    }

    fn publish(&mut self) -> Option<TaskMetric> {
        let mut containers = Vec::new();
        for (name, series) in &mut self.series {
            let Some(metric) = container_metric(name, series) else { continue };
            containers.push(metric);
            series.sent();
        }
        (!containers.is_empty()).then(|| TaskMetric {
            task_arn: Some(self.spec.arn.to_string()),
            task_definition_family: Some(self.spec.family.clone()),
            task_definition_version: Some(self.spec.version.clone()),
            container_metrics: containers,
            ..TaskMetric::default()
        })
    }
}

fn read<S: Source>(source: &S, view: &View) -> Vec<Round> {
    let running =
        view.tasks.values().filter(|task| task.containers().any(|(_, state)| state.known == Stage::Running));
    let host = source.host();
    running.map(|task| read_task(source, task, host)).collect()
}

fn read_task<S: Source>(source: &S, task: &TaskView, host: HostReading) -> Round {
    let arn = &task.spec.arn;
    let running = task.containers().filter(|(_, state)| state.known == Stage::Running);
    let read = |name: &str| source.container(arn, name, host).map(|reading| (name.to_owned(), reading));
    let network = match task.spec.network {
        Network::Awsvpc(_) => source.network(arn),
        Network::Host | Network::None => None,
    };
    let containers = running.filter_map(|(spec, _)| read(&spec.name)).collect();
    Round { spec: Arc::clone(&task.spec), containers, network }
}

fn newest(before: Option<&TaskStats>, round: Round) -> TaskStats {
    let pair = |name: &String, reading| match before.and_then(|task| task.containers.get(name)) {
        Some(pair) => pair.next(reading),
        None => Pair::first(reading),
    };
    let network = round.network.map(|reading| match before.and_then(|task| task.network.as_ref()) {
        Some(pair) => pair.next(reading),
        None => Pair::first(reading),
    });
    let containers =
        round.containers.into_iter().map(|(name, reading)| (name.clone(), pair(&name, reading))).collect();
    TaskStats { containers, network }
}
