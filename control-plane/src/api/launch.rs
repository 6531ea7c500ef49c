//! RunTask and StartTask.

use super::show;
use crate::model::Model;
use crate::model::error::EcsError;
use crate::model::launch::Order;
use crate::model::tags::{self, Tags};
use crate::model::task::Launch;
use crate::model::turn::Turn;
use crate::scheduler::{Expression, Strategy, Wish};
use sha2::{Digest, Sha256};
use wharf_protocol::api;
use wharf_protocol::arn::TaskArn;

/// Starts up to `count` tasks where the scheduler likes it best.
pub fn run(
    model: &mut Model,
    request: api::RunTaskRequest,
    turn: &mut Turn,
) -> Result<api::RunTaskResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let most = model.policy.most_tasks_per_call;
    let count = request.count.unwrap_or(1);
    if !(1..=most).contains(&count) {
        return Err(EcsError::invalid(format!("count must be between 1 and {most}.")));
    }
    unsupported(&request)?;
    let token = token(&request)?;
    if let Some(tasks) = repeated(model, &cluster, token.as_ref())? {
        return Ok(api::RunTaskResponse { tasks: show_all(model, &tasks), failures: Vec::new() });
    }
    let launch = Launch {
        group: request.group.clone().unwrap_or_default(),
        started_by: request.started_by.clone(),
        launch_type: request.launch_type.clone().unwrap_or_else(|| "EC2".to_owned()),
        overrides: request.overrides.clone().unwrap_or_default(),
        tags: tags::from_api(&request.tags)?,
        token,
    };
    let named = request.task_definition.as_deref();
    let order = Order::new(model, &cluster, named, request.network_configuration.as_ref(), launch)?;
    let mut order = complete(order, request.propagate_tags.as_deref())?;
    place(&mut order.wish, &request)?;
    constraints_of_definition(&mut order)?;
    if model.instances_of(&cluster).next().is_none() {
        return Err(EcsError::invalid("No Container Instances were found in your cluster."));
    }
    let mut launched = Vec::new();
    let mut failures = Vec::new();
    for _ in 0..count {
        match model.launch_anywhere(&order, turn) {
            Ok(task) => launched.push(task),
            Err(reasons) => {
                failures = reasons;
                break; // the next one is the same task on the same instances
            }
        }
    }
    Ok(api::RunTaskResponse { tasks: show_all(model, &launched), failures })
}

/// Starts one task on each named instance.
pub fn start(
    model: &mut Model,
    request: api::StartTaskRequest,
    turn: &mut Turn,
) -> Result<api::StartTaskResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let most = model.policy.most_tasks_per_call;
    if request.container_instances.is_empty() {
        return Err(EcsError::invalid("Container instances cannot be empty."));
    }
    if i64::try_from(request.container_instances.len()).is_ok_and(|count| count > most) {
        return Err(EcsError::invalid(format!("At most {most} container instances can be named.")));
    }
    if request.enable_execute_command == Some(true) || !request.volume_configurations.is_empty() {
        return Err(unsupported_feature("ECS Exec and volumes configured at launch"));
    }
    let launch = Launch {
        group: request.group.clone().unwrap_or_default(),
        started_by: request.started_by.clone(),
        launch_type: "EC2".to_owned(),
        overrides: request.overrides.clone().unwrap_or_default(),
        tags: tags::from_api(&request.tags)?,
        token: None,
    };
    let named = request.task_definition.as_deref();
    let order = Order::new(model, &cluster, named, request.network_configuration.as_ref(), launch)?;
    let order = complete(order, request.propagate_tags.as_deref())?;
    let mut launched = Vec::new();
    let mut failures = Vec::new();
    for instance in &request.container_instances {
        match model.launch_on(&order, instance, turn) {
            Ok(task) => launched.push(task),
            Err(reasons) => failures.extend(reasons),
        }
    }
    Ok(api::StartTaskResponse { tasks: show_all(model, &launched), failures })
}

fn show_all(model: &Model, tasks: &[TaskArn]) -> Vec<api::Task> {
    tasks.iter().filter_map(|arn| model.tasks.get(arn)).map(|task| show::task(model, task, true)).collect()
}

fn unsupported_feature(what: &str) -> EcsError {
    EcsError::UnsupportedFeature(format!("{what} are not supported by this control plane."))
}

fn unsupported(request: &api::RunTaskRequest) -> Result<(), EcsError> {
    match request.launch_type.as_deref() {
        None | Some("EC2" | "EXTERNAL") => {}
        Some(kind @ ("FARGATE" | "MANAGED_INSTANCES")) => {
            return Err(unsupported_feature(&format!("Tasks of launch type {kind}")));
        }
        Some(other) => return Err(EcsError::invalid(format!("'{other}' is not a launch type."))),
    }
    if !request.capacity_provider_strategy.is_empty() {
        return Err(unsupported_feature("Capacity providers"));
    }
    if request.enable_execute_command == Some(true) || !request.volume_configurations.is_empty() {
        return Err(unsupported_feature("ECS Exec and volumes configured at launch"));
    }
    Ok(())
}

/// The client token with a digest of everything else, so that its second use is either the same request or a conflict.
fn token(request: &api::RunTaskRequest) -> Result<Option<(String, String)>, EcsError> {
    let Some(token) = request.client_token.clone().filter(|token| !token.is_empty()) else { return Ok(None) };
    if token.len() > 64 {
        return Err(EcsError::invalid("clientToken has at most 64 characters."));
    }
    let rest = api::RunTaskRequest { client_token: None, ..request.clone() };
    Ok(Some((token, hex::encode(Sha256::digest(api::encode(&rest))))))
}

/// Tasks that this very request started before.
fn repeated(
    model: &Model,
    cluster: &str,
    token: Option<&(String, String)>,
) -> Result<Option<Vec<TaskArn>>, EcsError> {
    let Some((token, digest)) = token else { return Ok(None) };
    let mut tasks = Vec::new();
    for task in model.tasks.iter().filter(|task| task.cluster == cluster) {
        match &task.launch.token {
            Some((known, same)) if known == token && same == digest => tasks.push(task.arn.clone()),
            Some((known, _)) if known == token => {
                return Err(EcsError::Conflict(
                    "The client token was used with other parameters.".to_owned(),
                ));
            }
            Some(_) | None => {}
        }
    }
    Ok((!tasks.is_empty()).then_some(tasks))
}

/// Fills in the default group and the tags of the definition.
fn complete(mut order: Order, propagate: Option<&str>) -> Result<Order, EcsError> {
    let launch = &mut order.launch;
    if launch.group.is_empty() {
        launch.group = format!("family:{}", order.definition.revision.family);
    }
    if launch.started_by.as_ref().is_some_and(|by| by.len() > 128) {
        return Err(EcsError::invalid("startedBy has at most 128 characters."));
    }
    match propagate {
        None | Some("NONE" | "SERVICE") => {}
        Some("TASK_DEFINITION") => {
            let inherited = order.definition.tags.clone();
            let own: Tags = std::mem::take(&mut launch.tags);
            launch.tags = inherited.into_iter().chain(own).collect();
        }
        Some(other) => return Err(EcsError::invalid(format!("'{other}' is not a source of tags."))),
    }
    Ok(order)
}

fn place(wish: &mut Wish, request: &api::RunTaskRequest) -> Result<(), EcsError> {
    for constraint in &request.placement_constraints {
        match constraint.r#type.as_deref() {
            Some("distinctInstance") => wish.distinct_instance = true,
            Some("memberOf") => wish.member_of.push(expression(constraint.expression.as_deref())?),
            Some(_) | None => {
                return Err(EcsError::invalid("A constraint is of type distinctInstance or memberOf."));
            }
        }
    }
    for strategy in &request.placement_strategy {
        let kind = strategy.r#type.as_deref().unwrap_or_default();
        let parsed = Strategy::parse(kind, strategy.field.as_deref());
        let wrong = || EcsError::invalid(format!("Invalid placement strategy of type '{kind}'."));
        wish.strategies.push(parsed.ok_or_else(wrong)?);
    }
    Ok(())
}

fn constraints_of_definition(order: &mut Order) -> Result<(), EcsError> {
    for constraint in &order.effective.placement_constraints {
        order.wish.member_of.push(expression(constraint.expression.as_deref())?);
    }
    Ok(())
}

fn expression(text: Option<&str>) -> Result<Expression, EcsError> {
    Expression::parse(text.unwrap_or_default()).map_err(|error| EcsError::invalid(error.to_string()))
}
