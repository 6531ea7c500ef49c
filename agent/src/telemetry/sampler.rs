//! The loop that reads what containers use and keeps a short history of it.
//!
//! Owns every series. Others read the newest snapshot (the watch of [`StatsView`]) or take the metrics since the last time
//! ([`Metrics`]). A reading that fails is left out: a container may be gone a moment after the view said that it runs.

use super::reading::{ContainerReading, NetworkReading};
use super::series::{Sample, Series};
use super::sets::container_metric;
use super::stats::{Pair, StatsView, TaskStats};
use crate::view::{Stage, TaskView, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wharf_core::spec::{Network, TaskSpec};
use wharf_protocol::arn::TaskArn;
use wharf_protocol::tcs::TaskMetric;
use wharf_wait::{Wait, blocking};

/// Time between two samples: eight of them in each 20 s publish.
pub const INTERVAL: Duration = Duration::from_millis(2500);

/// How long the interfaces of one task may take to be read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where readings come from.
pub trait Source: Send + Sync + 'static {
    /// A container's cgroup; `None` when it cannot be read. Called on a thread that may block.
    fn container(&self, task: &TaskArn, container: &str) -> Option<ContainerReading>;
    /// The interfaces in a task's own namespace; `None` when they cannot be read.
    fn network(&self, task: &TaskArn) -> impl Future<Output = Option<NetworkReading>> + Send;
}

impl<S: Source> Source for Arc<S> {
    fn container(&self, task: &TaskArn, container: &str) -> Option<ContainerReading> {
        S::container(self, task, container)
    }

    fn network(&self, task: &TaskArn) -> impl Future<Output = Option<NetworkReading>> + Send {
        S::network(self, task)
    }
}

/// The samples that were not published yet. Clones share them.
///
/// A lock and no message: TCS wants its metrics without waiting. It is held for arithmetic only, never across an await.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<TaskArn, History>>>);

impl Metrics {
    /// Metrics of every running task since the last call; a container with fewer than two new samples is left for the next one.
    pub fn take(&self) -> Vec<TaskMetric> {
        self.histories().values_mut().filter_map(History::publish).collect()
    }

    /// Adds a round; tasks and containers that it does not have no longer run and are forgotten.
    fn add(&self, rounds: &[Round]) {
        let mut histories = self.histories();
        let mut next = |round: &Round| {
            let arn = round.spec.arn.clone();
            let before = histories.remove(&arn);
            (arn, History::after(before, round))
        };
        let after = rounds.iter().map(&mut next).collect();
        *histories = after;
    }

    fn histories(&self) -> MutexGuard<'_, BTreeMap<TaskArn, History>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sampling loop; [`Sampler::run`] is to be spawned and joined by whoever makes it.
#[derive(Debug)]
pub struct Sampler<S> {
    source: Arc<S>,
    view: watch::Receiver<Arc<View>>,
    stats: watch::Sender<Arc<StatsView>>,
    metrics: Metrics,
}

/// What is kept of a task.
#[derive(Debug)]
struct History {
    spec: Arc<TaskSpec>,
    series: BTreeMap<String, Series>,
}

/// What one round of reading brought of a task.
#[derive(Debug)]
struct Round {
    spec: Arc<TaskSpec>,
    containers: BTreeMap<String, ContainerReading>,
    network: Option<NetworkReading>,
    /// Of the containers that run and have a restart policy, how often they were started again.
    restarts: BTreeMap<String, u32>,
}

impl<S: Source> Sampler<S> {
    /// A sampler with the two ways to its results.
    pub fn new(
        source: S,
        view: watch::Receiver<Arc<View>>,
    ) -> (Self, Metrics, watch::Receiver<Arc<StatsView>>) {
        let (stats, newest) = watch::channel(Arc::default());
        let metrics = Metrics::default();
        (Self { source: Arc::new(source), view, stats, metrics: metrics.clone() }, metrics, newest)
    }

    /// Samples every `interval` until `stop`.
    pub async fn run(self, interval: Duration, stop: CancellationToken) {
        let mut ticks = Wait::named("the next round of samples").owner("sampler").every(interval);
        loop {
            // Cancel-safe: neither arm has state that a cancelled wait would lose.
            tokio::select! {
                () = stop.cancelled() => break,
                () = ticks.tick() => {}
            }
            let rounds = self.read().await;
            self.metrics.add(&rounds);
            self.publish(rounds);
        }
    }

    async fn read(&self) -> Vec<Round> {
        let running = running(&self.view.borrow());
        let mut rounds = Vec::with_capacity(running.len());
        for task in &running {
            let network = match task.spec.network {
                Network::Awsvpc(_) => {
                    let reading = Wait::named("counters of its interface")
                        .owner(task.spec.arn.id().to_owned())
                        .at_most(PATIENCE);
                    reading.on(self.source.network(&task.spec.arn)).await.ok().flatten()
                }
                Network::Host | Network::None => None,
            };
            let (spec, containers) = (Arc::clone(&task.spec), BTreeMap::new());
            rounds.push(Round { spec, containers, network, restarts: restarts(task) });
        }
        if rounds.is_empty() {
            return rounds;
        }
        let source = Arc::clone(&self.source);
        let reading =
            Wait::endless("the cgroups of all tasks", "a second reader would hang where the first does");
        reading.of(blocking(move || read_containers(&*source, &running, rounds))).await
    }

    fn publish(&self, rounds: Vec<Round>) {
        let before = Arc::clone(&self.stats.borrow());
        let newest =
            |round: Round| (round.spec.arn.clone(), newest(before.tasks.get(&round.spec.arn), round));
        self.stats.send_replace(Arc::new(StatsView { tasks: rounds.into_iter().map(newest).collect() }));
    }
}

impl History {
    fn after(before: Option<Self>, round: &Round) -> Self {
        let mut series = before.map(|history| history.series).unwrap_or_default();
        // Between two processes there is no cgroup to read, and yet the same container.
        series.retain(|name, _| round.containers.contains_key(name) || round.restarts.contains_key(name));
        for (name, reading) in &round.containers {
            let restarts = round.restarts.get(name).copied();
            let sample = Sample::new(reading, round.network.as_ref(), restarts);
            series.entry(name.clone()).or_default().push(sample);
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

/// Tasks with a container that runs.
fn running(view: &View) -> Vec<Arc<TaskView>> {
    let runs = |task: &&Arc<TaskView>| task.containers().any(|(_, state)| state.known == Stage::Running);
    view.tasks.values().filter(runs).cloned().collect()
}

fn restarts(task: &TaskView) -> BTreeMap<String, u32> {
    let running = task.containers().filter(|(_, state)| state.known == Stage::Running);
    running.filter_map(|(spec, state)| Some((spec.name.clone(), state.restarts?))).collect()
}

fn read_containers<S: Source>(source: &S, tasks: &[Arc<TaskView>], mut rounds: Vec<Round>) -> Vec<Round> {
    for (task, round) in tasks.iter().zip(&mut rounds) {
        let running = task.containers().filter(|(_, state)| state.known == Stage::Running);
        let read = |name: &String| Some((name.clone(), source.container(&task.spec.arn, name)?));
        round.containers = running.filter_map(|(spec, _)| read(&spec.name)).collect();
    }
    rounds
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
