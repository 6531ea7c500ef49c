//! Container instances: register, deregister, describe, list, change state, attributes.

use super::attributes;
use super::page::page;
use super::show;
use crate::model::Model;
use crate::model::error::EcsError;
use crate::model::instance::{AgentVersion, Instance, InstanceStatus, is_reserved_attribute};
use crate::model::launch::failure;
use crate::model::resources::Capacity;
use crate::model::table::Record;
use crate::model::tags;
use crate::model::task::StopCode;
use crate::model::turn::Turn;
use crate::scheduler::{Candidate, Expression};
use wharf_protocol::api;
use wharf_protocol::arn::ContainerInstanceArn;

/// Registers an instance, or takes a known one in again with what it can do now (spec 2.3).
pub fn register(
    model: &mut Model,
    request: api::RegisterContainerInstanceRequest,
    turn: &mut Turn,
) -> Result<api::RegisterContainerInstanceResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let capacity = Capacity::from_api(&request.total_resources)?;
    let mut attributes = attributes::read(&request.attributes)?;
    let zone = || Some(format!("{}a", model.policy.region));
    attributes.entry("ecs.availability-zone".to_owned()).or_insert_with(zone);
    let known = match request.container_instance_arn.as_deref().filter(|arn| !arn.is_empty()) {
        Some(named) => Some(known(model, &cluster, named)?),
        None => same_token(model, &cluster, request.client_token.as_deref()),
    };
    let instance = match known {
        Some(mut instance) => {
            // Attributes of operators stay: the agent states only its own again.
            let custom = instance.attributes.into_iter().filter(|(name, _)| !is_reserved_attribute(name));
            instance.attributes = custom.chain(attributes).collect();
            instance.capacity = capacity;
            instance.version += 1;
            instance
        }
        None => {
            let path = format!("{cluster}/{}", turn.id());
            let arn = ContainerInstanceArn::build(&model.policy.region, &model.policy.account, &path);
            Instance {
                arn: arn.map_err(|error| EcsError::Server(error.to_string()))?,
                cluster,
                status: InstanceStatus::Active,
                ec2_instance_id: ec2_instance_id(request.instance_identity_document.as_deref()),
                version: 1,
                registered_at: turn.now,
                capacity,
                attributes,
                tags: tags::from_api(&request.tags)?,
                client_token: request.client_token,
                timeline: 0,
                agent: AgentVersion::default(),
            }
        }
    };
    let shown = show::instance(model, &instance, &["TAGS"]);
    model.instances.put(instance);
    Ok(api::RegisterContainerInstanceResponse { container_instance: Some(shown) })
}

/// The instance that re-registers. One that is gone is an error on which agents stop: their saved state is of no use any more.
fn known(model: &Model, cluster: &str, named: &str) -> Result<Instance, EcsError> {
    let instance =
        model.instance(cluster, named).filter(|instance| instance.status != InstanceStatus::Inactive);
    instance.cloned().ok_or_else(|| {
        EcsError::client(format!(
            "The container instance {named} is not registered here. Remove the agent's saved state to register it anew."
        ))
    })
}

/// A registration that is repeated because its answer was lost.
fn same_token(model: &Model, cluster: &str, token: Option<&str>) -> Option<Instance> {
    let token = token.filter(|token| !token.is_empty())?;
    model.instances_of(cluster).find(|instance| instance.client_token.as_deref() == Some(token)).cloned()
}

fn ec2_instance_id(document: Option<&str>) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(document?).ok()?;
    document.get("instanceId")?.as_str().map(str::to_owned)
}

/// Takes an instance out. With `force` its tasks are given up: they count as stopped, whatever the host still does.
pub fn deregister(
    model: &mut Model,
    request: api::DeregisterContainerInstanceRequest,
    turn: &mut Turn,
) -> Result<api::DeregisterContainerInstanceResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let named = request.container_instance.unwrap_or_default();
    let found =
        model.instance(&cluster, &named).filter(|instance| instance.status != InstanceStatus::Inactive);
    let arn = found.ok_or_else(Model::missing_instance)?.key();
    let tasks: Vec<_> = model.tasks_on(&arn).map(Record::key).collect();
    if !tasks.is_empty() && request.force != Some(true) {
        return Err(EcsError::invalid("Found running tasks on the instance."));
    }
    for task in tasks {
        if let Some(task) = model.tasks.edit(&task) {
            task.handed_over = false; // nobody is left who could report it stopped
            task.order_stop(
                StopCode::UserInitiated,
                "Container instance was deregistered by user.",
                turn.now,
            );
        }
    }
    model.live.end_session(&arn, turn.now); // closes the connection; the next one is refused
    let instance = model.instances.edit(&arn).ok_or_else(Model::missing_instance)?;
    instance.status = InstanceStatus::Inactive;
    instance.version += 1;
    let instance = model.instances.get(&arn).ok_or_else(Model::missing_instance)?;
    let shown = show::instance(model, instance, &["TAGS"]);
    Ok(api::DeregisterContainerInstanceResponse { container_instance: Some(shown) })
}

/// Describes up to a hundred instances.
pub fn describe(
    model: &mut Model,
    request: api::DescribeContainerInstancesRequest,
    _turn: &mut Turn,
) -> Result<api::DescribeContainerInstancesResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    match request.container_instances.len() {
        0 => return Err(EcsError::invalid("Container instances cannot be empty.")),
        1..=100 => {}
        _more => return Err(EcsError::invalid("At most 100 container instances can be described at once.")),
    }
    let include: Vec<&str> = request.include.iter().map(String::as_str).collect();
    let mut response = api::DescribeContainerInstancesResponse::default();
    for named in &request.container_instances {
        match model.instance(&cluster, named) {
            Some(instance) => response.container_instances.push(show::instance(model, instance, &include)),
            None => response.failures.push(missing(model, &cluster, named)),
        }
    }
    Ok(response)
}

fn missing(model: &Model, cluster: &str, named: &str) -> api::Failure {
    if named.starts_with("arn:") {
        return failure(named, "MISSING");
    }
    failure(&model.arn(&format!("container-instance/{cluster}/{named}")), "MISSING")
}

/// ARNs of the registered instances, of one status and matching a query expression if asked.
pub fn list(
    model: &mut Model,
    request: api::ListContainerInstancesRequest,
    _turn: &mut Turn,
) -> Result<api::ListContainerInstancesResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let filter =
        request.filter.as_deref().filter(|filter| !filter.is_empty()).map(Expression::parse).transpose();
    let filter = filter.map_err(|error| EcsError::invalid(error.to_string()))?;
    let status = request.status.as_deref();
    let matches = |instance: &&Instance| {
        let candidate = Candidate {
            instance,
            connected: model.live.is_connected(&instance.arn),
            left: Capacity::default(),
            group_tasks: 0,
            tasks: model.tasks_on(&instance.arn).count(),
        };
        status.is_none_or(|status| instance.status.as_str() == status)
            && filter.as_ref().is_none_or(|filter| filter.holds(&candidate))
    };
    let arns =
        model.instances_of(&cluster).filter(matches).map(|instance| instance.arn.to_string()).collect();
    let (container_instance_arns, next_token) =
        page(arns, request.max_results, request.next_token.as_deref())?;
    Ok(api::ListContainerInstancesResponse { container_instance_arns, next_token })
}

/// Drains instances or takes them into service again.
pub fn update_state(
    model: &mut Model,
    request: api::UpdateContainerInstancesStateRequest,
    _turn: &mut Turn,
) -> Result<api::UpdateContainerInstancesStateResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let status = match request.status.as_deref() {
        Some("ACTIVE") => InstanceStatus::Active,
        Some("DRAINING") => InstanceStatus::Draining,
        Some(_) | None => {
            return Err(EcsError::invalid("Container instance status must be ACTIVE or DRAINING."));
        }
    };
    if !(1..=10).contains(&request.container_instances.len()) {
        return Err(EcsError::invalid("Between 1 and 10 container instances can be updated at once."));
    }
    let mut response = api::UpdateContainerInstancesStateResponse::default();
    for named in &request.container_instances {
        let Some(arn) = model.instance(&cluster, named).map(Record::key) else {
            response.failures.push(missing(model, &cluster, named));
            continue;
        };
        match model.instances.edit(&arn) {
            Some(instance) if instance.status != InstanceStatus::Inactive => {
                instance.status = status;
                instance.version += 1;
            }
            Some(_) | None => {
                response.failures.push(failure(arn.as_str(), "INACTIVE"));
                continue;
            }
        }
        response
            .container_instances
            .extend(model.instances.get(&arn).map(|one| show::instance(model, one, &[])));
    }
    Ok(response)
}
