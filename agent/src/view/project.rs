//! From the node's tasks to views: the one place that reads the core's state for others.

use super::{ContainerView, HealthView, Stage, TaskView};
use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_core::container::Container;
use wharf_core::event::Desired;
use wharf_core::health::Health;
use wharf_core::node::Node;
use wharf_core::phase::Phase;
use wharf_core::report::Status;
use wharf_core::spec::ContainerSpec;
use wharf_core::task::Task;
use wharf_protocol::arn::TaskArn;

/// Every task of a node that is not shown yet.
pub fn tasks(node: &Node) -> BTreeMap<TaskArn, Arc<TaskView>> {
    let view = |(arn, task): (&TaskArn, &Arc<Task>)| (arn.clone(), Arc::new(TaskView::from(task.as_ref())));
    node.tasks().iter().map(view).collect()
}

impl From<&Task> for TaskView {
    fn from(task: &Task) -> Self {
        let pairs = task.spec().containers.iter().zip(task.containers());
        let containers: Vec<ContainerView> =
            pairs.map(|(spec, container)| ContainerView::new(spec, container, task.desired())).collect();
        let images = || task.containers().iter().filter_map(Container::image);
        let pulling = containers.iter().any(|container| container.known == Stage::None);
        Self {
            spec: Arc::clone(task.spec()),
            desired: task.desired(),
            known: known(task.status(), &containers),
            pull_started_at: images().filter_map(|image| image.pull_started_at).min(),
            pull_stopped_at: images().filter_map(|image| image.pull_stopped_at).max().filter(|_| !pulling),
            execution_stopped_at: task.execution_stopped_at(),
            containers,
        }
    }
}

impl ContainerView {
    fn new(spec: &ContainerSpec, container: &Container, desired: Desired) -> Self {
        let restarts = || container.restarts().map_or(0, |restarts| restarts.count);
        Self {
            desired,
            known: match container.phase() {
                Phase::Pending => Stage::None,
                Phase::Resolved { .. } => Stage::Pulled,
                Phase::Created(_) => Stage::Created,
                // Its task runs on, and the control plane hears of nothing else.
                Phase::Running(_) | Phase::Restarting(_) => Stage::Running,
                Phase::Stopped(_) => Stage::Stopped,
            },
            image: container.image().cloned(),
            created_at: container.created_at(),
            started_at: container.started_at(),
            finished_at: container.finished_at(),
            exit_code: container.stopped().and_then(|stopped| stopped.exit_code),
            restarts: spec.restart.as_ref().map(|_| restarts()),
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
