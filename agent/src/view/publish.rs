//! From the node's tasks to views: the one place that reads the core's state for others.

use super::{ContainerView, HealthView, HostView, Stage, TaskView, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use wharf_core::container::Container;
use wharf_core::event::{Desired, ResolvedImage};
use wharf_core::health::Health;
use wharf_core::phase::Phase;
use wharf_core::report::Status;
use wharf_core::task::Task;
use wharf_protocol::arn::TaskArn;

/// The owner loop's end of the view.
#[derive(Debug)]
pub struct ViewPublisher {
    host: Arc<HostView>,
    /// What was published, beside what it was made of: a task that did not change is not made again.
    tasks: BTreeMap<TaskArn, (Arc<Task>, Arc<TaskView>)>,
    newest: watch::Sender<Arc<View>>,
}

impl ViewPublisher {
    /// A publisher that has shown the host and no task yet, and what readers hold.
    pub fn new(host: HostView) -> (Self, watch::Receiver<Arc<View>>) {
        let host = Arc::new(host);
        let (newest, reader) =
            watch::channel(Arc::new(View { host: Arc::clone(&host), tasks: BTreeMap::new() }));
        (Self { host, tasks: BTreeMap::new(), newest }, reader)
    }

    /// Shows these tasks.
    pub fn publish(&mut self, tasks: &BTreeMap<TaskArn, Arc<Task>>) {
        let before = std::mem::take(&mut self.tasks);
        let next = |(arn, task): (&TaskArn, &Arc<Task>)| {
            let same = before.get(arn).filter(|(shown, _)| Arc::ptr_eq(shown, task));
            let view = same.map_or_else(|| Arc::new(TaskView::from(&**task)), |(_, view)| Arc::clone(view));
            (arn.clone(), (Arc::clone(task), view))
        };
        self.tasks = tasks.iter().map(next).collect();
        self.show();
    }

    /// Changes what is told of the host, e.g. once it has registered.
    pub fn set_host(&mut self, host: HostView) {
        self.host = Arc::new(host);
        self.show();
    }

    fn show(&self) {
        let tasks = self.tasks.iter().map(|(arn, (_, view))| (arn.clone(), Arc::clone(view))).collect();
        self.newest.send_replace(Arc::new(View { host: Arc::clone(&self.host), tasks }));
    }
}

impl From<&Task> for TaskView {
    fn from(task: &Task) -> Self {
        let container = |container| ContainerView::new(container, task.desired());
        let containers: Vec<ContainerView> = task.containers().iter().map(container).collect();
        let images = || task.containers().iter().filter_map(Container::image);
        let pulling = containers.iter().any(|container| container.known == Stage::None);
        Self {
            spec: Arc::clone(task.spec()),
            desired: task.desired(),
            known: known(task.status(), &containers),
            pull_started_at: images().filter_map(|image: &ResolvedImage| image.pull_started_at).min(),
            pull_stopped_at: images()
                .filter_map(|image: &ResolvedImage| image.pull_stopped_at)
                .max()
                .filter(|_| !pulling),
            execution_stopped_at: task.execution_stopped_at(),
            containers,
        }
    }
}

impl ContainerView {
    fn new(container: &Container, desired: Desired) -> Self {
        Self {
            desired,
            known: match container.phase() {
                Phase::Pending => Stage::None,
                Phase::Resolved { .. } => Stage::Pulled,
                Phase::Created(_) => Stage::Created,
                Phase::Running(_) => Stage::Running,
                Phase::Stopped(_) => Stage::Stopped,
            },
            image: container.image().cloned(),
            created_at: container.created_at(),
            started_at: container.started_at(),
            finished_at: container.finished_at(),
            exit_code: container.stopped().and_then(|stopped| stopped.exit_code),
            health: container.health().map(HealthView::new),
        }
    }
}

impl HealthView {
    fn new(health: &Health) -> Self {
        Self {
            status: health.status,
            since: health.since,
            exit_code: health.exit_code,
            output: health.output.clone(),
        }
    }
}

/// A task that neither runs nor has ended is as far as its slowest container.
fn known(status: Option<Status>, containers: &[ContainerView]) -> Stage {
    match status {
        Some(Status::Stopped) => Stage::Stopped,
        Some(Status::Running) => Stage::Running,
        Some(Status::Pending) | None => {
            let slowest = containers.iter().map(|container| container.known).min();
            slowest.unwrap_or(Stage::None).min(Stage::Created)
        }
    }
}
