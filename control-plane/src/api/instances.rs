//! Container instances: register, deregister, describe, list, change state, attributes.

use super::page::page;
use super::shapes::{AttributesRequest, AttributesResponse, ListAttributesRequest};
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
use std::collections::BTreeMap;
use wharf_protocol::api;
use wharf_protocol::arn::ContainerInstanceArn;

type Attributes = BTreeMap<String, Option<String>>;

/// Registers an instance, or takes a known one in again with what it can do now (spec 2.3).
pub fn register(
    model: &mut Model,
    request: api::RegisterContainerInstanceRequest,
    turn: &mut Turn,
) -> Result<api::RegisterContainerInstanceResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    let capacity = Capacity::from_api(&request.total_resources)?;
    let mut attributes = attributes(&request.attributes)?;
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

fn attributes(given: &[api::Attribute]) -> Result<Attributes, EcsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./\\".contains(c);
    let mut read = Attributes::new();
    for attribute in given {
        let name = attribute.name.clone().unwrap_or_default();
        if name.is_empty() || name.len() > 128 || !name.chars().all(allowed) {
            return Err(EcsError::invalid(format!("Invalid attribute name '{name}'.")));
        }
        let value = attribute.value.clone();
        let refused =
            |value: &String| value.len() > 128 || value.trim() != value || value.contains(char::is_control);
        if value.as_ref().is_some_and(refused) {
            return Err(EcsError::invalid(format!("Invalid value of attribute '{name}'.")));
        }
        read.insert(name, value);
    }
    Ok(read)
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
    model.live.sessions.remove(&arn); // closes the connection; the next one is refused
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

/// Sets attributes of operators; ECS's own names are not theirs to set.
pub fn put_attributes(
    model: &mut Model,
    request: AttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    let given = each_attribute(model, &request)?;
    for (arn, attribute) in &given {
        if let (Some(instance), Some(name)) = (model.instances.edit(arn), &attribute.name) {
            instance.attributes.insert(name.clone(), attribute.value.clone());
        }
    }
    Ok(AttributesResponse { attributes: request.attributes, next_token: None })
}

/// Takes attributes of operators away.
pub fn delete_attributes(
    model: &mut Model,
    request: AttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    for (arn, attribute) in each_attribute(model, &request)? {
        if let (Some(instance), Some(name)) = (model.instances.edit(&arn), &attribute.name) {
            instance.attributes.remove(name);
        }
    }
    Ok(AttributesResponse { attributes: request.attributes, next_token: None })
}

fn each_attribute(
    model: &Model,
    request: &AttributesRequest,
) -> Result<Vec<(ContainerInstanceArn, api::Attribute)>, EcsError> {
    let cluster = &model.cluster(request.cluster.as_deref())?.name;
    let names = attributes(&request.attributes)?;
    if let Some(reserved) = names.keys().find(|name| is_reserved_attribute(name)) {
        return Err(EcsError::invalid(format!("Attribute '{reserved}' is set by the agent.")));
    }
    let target = |attribute: &api::Attribute| {
        let named = attribute.target_id.as_deref().unwrap_or_default();
        let instance = model.instance(cluster, named);
        let missing = || EcsError::TargetNotFound(format!("Container instance '{named}' was not found."));
        Ok((instance.ok_or_else(missing)?.key(), attribute.clone()))
    };
    request.attributes.iter().map(target).collect()
}

/// Attributes of the cluster's instances.
pub fn list_attributes(
    model: &mut Model,
    request: ListAttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    if request.target_type.as_deref() != Some("container-instance") {
        return Err(EcsError::invalid("targetType must be container-instance."));
    }
    let mut found = BTreeMap::new();
    for instance in model.instances_of(&cluster) {
        for attribute in show::attributes(&instance.attributes) {
            let wanted =
                request.attribute_name.as_ref().is_none_or(|name| attribute.name.as_ref() == Some(name))
                    && request
                        .attribute_value
                        .as_ref()
                        .is_none_or(|value| attribute.value.as_ref() == Some(value));
            if wanted {
                let key = format!("{} {}", instance.arn, attribute.name.as_deref().unwrap_or_default());
                let target = (Some("container-instance".to_owned()), Some(instance.arn.to_string()));
                let (target_type, target_id) = target;
                found.insert(key, api::Attribute { target_type, target_id, ..attribute });
            }
        }
    }
    let keys = found.keys().cloned().collect();
    let (keys, next_token) = page(keys, request.max_results, request.next_token.as_deref())?;
    Ok(AttributesResponse {
        attributes: keys.iter().filter_map(|key| found.remove(key)).collect(),
        next_token,
    })
}
