//! StopTask, DescribeTasks, ListTasks.

use super::page::page;
use super::show;
use crate::model::Model;
use crate::model::definition::Reference;
use crate::model::error::EcsError;
use crate::model::launch::failure;
use crate::model::task::{StopCode, Task};
use crate::model::turn::Turn;
use wharf_protocol::api;

/// Orders a task to stop. Stopping a stopped task changes nothing and is no error.
pub fn stop(
    model: &mut Model,
    request: api::StopTaskRequest,
    turn: &mut Turn,
) -> Result<api::StopTaskResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let named = request.task.unwrap_or_default();
    let missing = || EcsError::invalid("The referenced task was not found.");
    let arn = model.task(&cluster, &named).ok_or_else(missing)?.arn.clone();
    let reason = request.reason.filter(|reason| !reason.is_empty());
    let reason = reason.as_deref().unwrap_or("Task stopped by user");
    if reason.len() > 1024 {
        return Err(EcsError::invalid("reason has at most 1024 characters."));
    }
    if model.tasks.get(&arn).is_some_and(|task| !task.is_stopped()) {
        let task = model.tasks.edit(&arn).ok_or_else(missing)?;
        task.order_stop(StopCode::UserInitiated, reason, turn.now);
    }
    let task = model.tasks.get(&arn).ok_or_else(missing)?;
    Ok(api::StopTaskResponse { task: Some(show::task(model, task, false)) })
}

/// Describes up to a hundred tasks; those that are unknown are failures with the reason MISSING.
pub fn describe(
    model: &mut Model,
    request: api::DescribeTasksRequest,
    _turn: &mut Turn,
) -> Result<api::DescribeTasksResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    match request.tasks.len() {
        0 => return Err(EcsError::invalid("Tasks cannot be empty.")),
        1..=100 => {}
        _more => return Err(EcsError::invalid("At most 100 tasks can be described at once.")),
    }
    let with_tags = request.include.iter().any(|what| what == "TAGS");
    let mut response = api::DescribeTasksResponse::default();
    for named in &request.tasks {
        match model.task(&cluster, named) {
            Some(task) => response.tasks.push(show::task(model, task, with_tags)),
            None if named.starts_with("arn:") => response.failures.push(failure(named, "MISSING")),
            None => {
                response.failures.push(failure(&model.arn(&format!("task/{cluster}/{named}")), "MISSING"))
            }
        }
    }
    Ok(response)
}

/// ARNs of tasks whose desired status is `RUNNING`, or the one asked for.
pub fn list(
    model: &mut Model,
    request: api::ListTasksRequest,
    _turn: &mut Turn,
) -> Result<api::ListTasksResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let desired = request.desired_status.as_deref().unwrap_or("RUNNING");
    if !["RUNNING", "PENDING", "STOPPED"].contains(&desired) {
        return Err(EcsError::invalid(format!("'{desired}' is not a desired status.")));
    }
    let instance = match request.container_instance.as_deref() {
        Some(named) => Some(model.instance(&cluster, named).ok_or_else(Model::missing_instance)?.arn.clone()),
        None => None,
    };
    let matches = |task: &&Task| {
        task.cluster == cluster
            && show::desired_status(task) == desired
            && instance.as_ref().is_none_or(|instance| task.instance == *instance)
            && request.family.as_deref().is_none_or(|family| of_family(task, family))
            && request.started_by.as_ref().is_none_or(|by| task.launch.started_by.as_ref() == Some(by))
            && request.launch_type.as_ref().is_none_or(|kind| task.launch.launch_type == *kind)
            && request.service_name.is_none()
    };
    let arns = model.tasks.iter().filter(matches).map(|task| task.arn.to_string()).collect();
    let (task_arns, next_token) = page(arns, request.max_results, request.next_token.as_deref())?;
    Ok(api::ListTasksResponse { task_arns, next_token })
}

fn of_family(task: &Task, named: &str) -> bool {
    match Reference::parse(named) {
        Some(Reference::Exact(revision)) => task.definition == revision,
        Some(Reference::Latest(family)) => task.definition.family == family,
        None => false,
    }
}
