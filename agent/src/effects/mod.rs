//! Effects: what the node wants done, done.
//!
//! Owns the hands of the agent: containerd, the network, files, the control plane's API. Each effect runs as a future of its own and
//! ends by sending exactly one event, whatever happens to it. Refuses decisions: a failure is told, the node decides what follows.

pub mod codes;
mod container;
pub mod files;
mod image;
mod network;
mod remains;
mod report;
pub mod request;
pub mod sweep;

pub(crate) use remains::{last_lines, memory};

use crate::endpoints::credentials::CredentialStore;
use crate::failpoint::failpoint;
use crate::healing::Healing;
use crate::owner::{Input, tell};
use crate::seam::{Network as _, Outside};
use crate::view::View;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sweep::Networks;
use tokio::sync::{Semaphore, SetOnce, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_core::effect::Effect;
use wharf_core::event::Event;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::{PullPolicy, RegistryAuth};
use wharf_wait::{Wait, all, begin};

/// Reports of different tasks that may be under way at once (spec 2.5).
const MAX_REPORTS: usize = 10;

/// The hands of the agent. Clones share them.
#[derive(Debug, Clone)]
pub struct Effects<O: Outside> {
    world: Arc<World<O>>,
    inbox: mpsc::Sender<Input>,
    running: TaskTracker,
}

/// Everything effects work with.
#[derive(Debug)]
pub struct World<O: Outside> {
    /// The wall clock.
    pub clock: O::Clock,
    /// Images and containers.
    pub runtime: O::Runtime,
    /// What tasks have besides containers.
    pub network: O::Network,
    /// Which tasks may have a network.
    pub networks: Networks,
    /// Credentials of tasks; they go with their task.
    pub credentials: CredentialStore,
    /// Where things are.
    pub places: Places,
    /// Who this host is.
    pub view: watch::Receiver<Arc<View>>,
    /// The control plane's API; empty before the registration.
    pub api: Arc<SetOnce<Registered<O::Plane>>>,
    /// Ends the waits of effects when the agent stops.
    pub stop: CancellationToken,
    /// Bounds the reports under way.
    pub reports: Semaphore,
    /// When an image is pulled although it is there.
    pub pull: PullPolicy,
    /// Credentials of registries, by host.
    pub registry_auth: std::collections::BTreeMap<String, RegistryAuth>,
    /// Region for the tasks' environment.
    pub region: String,
    /// Cluster as configured, for labels.
    pub cluster: String,
}

/// The control plane's API, once this host is registered.
#[derive(Debug, Clone)]
pub struct Registered<P> {
    /// The way to it.
    pub api: P,
    /// Cluster as configured.
    pub cluster: String,
    /// Cuts the rests of states that were not taken.
    pub healing: Healing,
}

/// Where the things of tasks are.
#[derive(Debug, Clone)]
pub struct Places {
    /// Boot-scoped: namespaces and generated files.
    pub run: PathBuf,
    /// Durable: volumes and logs.
    pub data: PathBuf,
    /// Cgroup of all tasks, e.g. `/ecs`.
    pub cgroup_root: PathBuf,
    /// The program that takes containers' output.
    pub logger: PathBuf,
}

impl Places {
    /// Where network namespaces are pinned.
    pub fn namespaces(&self) -> PathBuf {
        self.run.join("netns")
    }

    /// Where the task's network namespace is pinned.
    pub fn namespace(&self, task: &TaskArn) -> PathBuf {
        self.namespaces().join(task.id())
    }

    /// Where the task's resolv.conf, hosts and hostname are.
    pub fn files(&self, task: &TaskArn) -> PathBuf {
        self.run.join("tasks").join(task.id())
    }

    /// Where the task's volumes and logs are.
    pub fn durable(&self, task: &TaskArn) -> PathBuf {
        self.data.join("tasks").join(task.id())
    }

    /// Where a container's output is, as the logger writes it.
    pub fn log(&self, task: &TaskArn, container: &str) -> PathBuf {
        self.durable(task).join("logs").join(format!("{container}.log"))
    }

    /// The cgroup of a container, e.g. `/ecs/<task id>/<container>`.
    pub fn container_cgroup(&self, task: &TaskArn, container: &str) -> String {
        format!("{}/{container}", self.cgroup(task))
    }

    /// The task's cgroup, e.g. `/ecs/<task id>`.
    pub fn cgroup(&self, task: &TaskArn) -> String {
        self.cgroup_root.join(task.id()).display().to_string()
    }
}

/// A semaphore with room for the reports that may be under way at once.
pub fn report_slots() -> Semaphore {
    Semaphore::new(MAX_REPORTS)
}

impl<O: Outside> Effects<O> {
    /// Hands that answer to `inbox`.
    pub fn new(world: World<O>, inbox: mpsc::Sender<Input>) -> Self {
        Self { world: Arc::new(world), inbox, running: TaskTracker::new() }
    }

    /// Begins the effect; its event reaches the inbox when it has ended.
    pub fn spawn(&self, effect: Effect) {
        let (world, inbox) = (Arc::clone(&self.world), self.inbox.clone());
        begin(&self.running, async move {
            let event = world.perform(effect).await;
            tell(&inbox, Input::Event(event)).await;
        });
    }

    /// Removes what is left of a task whose record is gone: its volumes, its logs, its credentials.
    pub fn forget(&self, task: TaskArn) {
        let world = Arc::clone(&self.world);
        begin(&self.running, async move { world.forget(&task).await });
    }

    /// Removes leftovers now, and those of networks from now on every few minutes, until `cancel`.
    pub async fn sweep(&self, cancel: CancellationToken) {
        self.world.sweep().await;
        failpoint!("recovery.networks-swept");
        self.world.sweep_remains().await;
        let world = Arc::clone(&self.world);
        begin(&self.running, async move { world.keep_swept(cancel).await });
    }

    /// Waits for the effects under way, at most this long. What is cut off is found out by the next start.
    pub async fn drain(&self, deadline: Duration) {
        self.running.close();
        let ended = Wait::named("effects under way").owner("the stopping agent").at_most(deadline);
        if ended.of(all(&self.running)).await.is_err() {
            tracing::warn!(left = self.running.len(), "effects were still under way at the end");
        }
        self.world.network.close().await;
    }
}

impl<O: Outside> World<O> {
    async fn perform(&self, effect: Effect) -> Event {
        match effect {
            Effect::PrepareNetwork { task, interface } => self.prepare_network(task, interface).await,
            Effect::ReleaseTask { task } => self.release_task(task).await,
            Effect::PullImage { container, image, refused } => {
                self.pull_image(container, image, refused).await
            }
            Effect::CreateContainer { container, spec, image } => {
                self.create_container(container, spec, image).await
            }
            Effect::StartContainer { container } => self.start_container(container).await,
            Effect::RenewContainer { container, spec, restarts } => {
                self.renew_container(container, &spec, &restarts).await
            }
            Effect::InspectContainer { container } => self.inspect_container(container).await,
            Effect::SignalContainer { container, signal } => self.signal_container(container, signal).await,
            Effect::DeleteContainer { container } => self.delete_container(container).await,
            Effect::ProbeHealth { container, check } => self.probe_health(container, check).await,
            Effect::ReportTask { report, after } => self.report_task(report, after).await,
            Effect::ReportAttachment { report, after } => self.report_attachment(report, after).await,
        }
    }
}
