//! The health of containers, for `PublishHealthRequest`. Source: spec 4.6.

use crate::view::{ContainerView, Stage, TaskView, View};
use wharf_core::spec::ContainerSpec;
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::{ContainerHealth, TaskHealth};

/// Tasks with a container that has a health check and has not ended.
pub fn task_health(view: &View) -> Vec<TaskHealth> {
    view.tasks.values().filter_map(|task| of_task(task)).collect()
}

fn of_task(task: &TaskView) -> Option<TaskHealth> {
    let containers: Vec<_> = task.containers().filter_map(of_container).collect();
    (!containers.is_empty()).then(|| TaskHealth {
        task_arn: Some(task.spec.arn.to_string()),
        task_definition_family: Some(task.spec.family.clone()),
        task_definition_version: Some(task.spec.version.clone()),
        containers,
        ..TaskHealth::default()
    })
}

fn of_container((spec, state): (&ContainerSpec, &ContainerView)) -> Option<ContainerHealth> {
    let health = state.health.as_ref().filter(|_| state.known < Stage::Stopped)?;
    Some(ContainerHealth {
        container_name: Some(spec.name.clone()),
        health_status: Some(health.status.as_str().to_owned()),
        status_since: Some(Timestamp::from_millis(health.since.as_millis())),
        ..ContainerHealth::default()
    })
}
