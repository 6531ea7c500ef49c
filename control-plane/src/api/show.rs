//! The model as the API shows it.

use crate::model::Model;
use crate::model::cluster::Cluster;
use crate::model::definition::with_overrides;
use crate::model::instance::{Instance, InstanceStatus};
use crate::model::live::Connectivity;
use crate::model::tags;
use crate::model::task::{Container, Interface, LastStatus, Task};
use std::collections::BTreeMap;
use wharf_protocol::{Timestamp, api};

/// A cluster, with what `include` names.
pub fn cluster(model: &Model, cluster: &Cluster, include: &[&str]) -> api::Cluster {
    let tasks = || model.tasks.iter().filter(|task| task.cluster == cluster.name && !task.is_stopped());
    let pending = tasks().filter(|task| task.status < LastStatus::Running).count();
    let count = |number: usize| i64::try_from(number).ok();
    api::Cluster {
        cluster_arn: Some(model.arn(&format!("cluster/{}", cluster.name))),
        cluster_name: Some(cluster.name.clone()),
        status: Some(if cluster.active { "ACTIVE" } else { "INACTIVE" }.to_owned()),
        registered_container_instances_count: count(model.instances_of(&cluster.name).count()),
        running_tasks_count: count(tasks().count() - pending),
        pending_tasks_count: count(pending),
        active_services_count: Some(0),
        tags: if include.contains(&"TAGS") { tags::to_api(&cluster.tags) } else { Vec::new() },
        settings: if include.contains(&"SETTINGS") { cluster.settings.clone() } else { Vec::new() },
        ..api::Cluster::default()
    }
}

/// Attributes in the order of their names.
pub fn attributes(attributes: &BTreeMap<String, Option<String>>) -> Vec<api::Attribute> {
    let one = |(name, value): (&String, &Option<String>)| api::Attribute {
        name: Some(name.clone()),
        value: value.clone(),
        ..api::Attribute::default()
    };
    attributes.iter().map(one).collect()
}

/// An instance, with what `include` names.
pub fn instance(model: &Model, instance: &Instance, include: &[&str]) -> api::ContainerInstance {
    let tasks = || model.tasks_on(&instance.arn);
    let pending = tasks().filter(|task| task.status < LastStatus::Running).count();
    let count = |number: usize| i64::try_from(number).ok();
    let agent = &instance.agent;
    api::ContainerInstance {
        container_instance_arn: Some(instance.arn.to_string()),
        ec2_instance_id: instance.ec2_instance_id.clone(),
        version: Some(instance.version),
        version_info: Some(api::VersionInfo {
            agent_version: agent.version.clone(),
            agent_hash: agent.hash.clone(),
            docker_version: agent.runtime.clone(),
        }),
        remaining_resources: model.remaining(instance).to_api(),
        registered_resources: instance.capacity.to_api(),
        status: Some(instance.status.as_str().to_owned()),
        agent_connected: Some(
            instance.status != InstanceStatus::Inactive && model.live.is_connected(&instance.arn),
        ),
        running_tasks_count: count(tasks().count() - pending),
        pending_tasks_count: count(pending),
        attributes: attributes(&instance.attributes),
        registered_at: Some(instance.registered_at.into()),
        tags: if include.contains(&"TAGS") { tags::to_api(&instance.tags) } else { Vec::new() },
        health_status: include
            .contains(&"CONTAINER_INSTANCE_HEALTH")
            .then(|| instance_health(model, instance)),
        ..api::ContainerInstance::default()
    }
}

/// What the agent's last status report says; impaired as soon as one check is.
fn instance_health(model: &Model, instance: &Instance) -> api::ContainerInstanceHealthStatus {
    let checks = model.live.instance_status.get(&instance.arn).map(Vec::as_slice).unwrap_or_default();
    let is = |status: &str| checks.iter().any(|check| check.status.as_deref() == Some(status));
    let overall = match () {
        () if checks.is_empty() || is("INSUFFICIENT_DATA") => "INSUFFICIENT_DATA",
        () if is("IMPAIRED") => "IMPAIRED",
        () if is("INITIALIZING") => "INITIALIZING",
        () => "OK",
    };
    // The wire says ContainerRuntime, the public API CONTAINER_RUNTIME (spec 4.7).
    let public = |kind: &str| {
        if kind == "ContainerRuntime" { "CONTAINER_RUNTIME".to_owned() } else { kind.to_owned() }
    };
    let details = checks.iter().map(|check| api::InstanceHealthCheckResult {
        r#type: check.r#type.as_deref().map(public),
        status: check.status.clone(),
        status_reason: check.status_reason.clone(),
        last_updated: check.last_updated,
        last_status_change: check.last_status_change,
    });
    api::ContainerInstanceHealthStatus {
        overall_status: Some(overall.to_owned()),
        details: details.collect(),
    }
}

/// `RUNNING`, or `STOPPED` once the task shall end.
pub fn desired_status(task: &Task) -> &'static str {
    if task.shall_stop() { "STOPPED" } else { "RUNNING" }
}

/// A task.
pub fn task(model: &Model, task: &Task, with_tags: bool) -> api::Task {
    let document = model.definitions.get(&task.definition).map(|definition| &definition.document);
    let effective = document.and_then(|document| with_overrides(document, &task.launch.overrides).ok());
    let definitions = effective.unwrap_or_default().container_definitions;
    let instance = model.instances.get(&task.instance);
    let attribute =
        |name: &str| instance.and_then(|instance| instance.attributes.get(name).cloned().flatten());
    let connectivity = model.live.connectivity.get(&task.instance);
    let connected = connectivity.is_some_and(|known| known.connected);
    let at = |time: Option<crate::model::time::Time>| time.map(Timestamp::from);
    let stop = task.stop.as_ref();
    let moments = &task.moments;
    api::Task {
        attachments: task.interface.iter().map(attachment).collect(),
        attributes: attribute("ecs.cpu-architecture").into_iter().map(architecture).collect(),
        availability_zone: attribute("ecs.availability-zone"),
        cluster_arn: Some(model.arn(&format!("cluster/{}", task.cluster))),
        connectivity: Some(if connected { "CONNECTED" } else { "DISCONNECTED" }.to_owned()),
        connectivity_at: connectivity.map(|known| connected_at(known, task)),
        container_instance_arn: Some(task.instance.to_string()),
        containers: task
            .containers
            .iter()
            .map(|known| container(model, task, known, definition_of(&definitions, &known.name)))
            .collect(),
        cpu: Some(task.demand.cpu.to_string()),
        created_at: Some(moments.created.into()),
        desired_status: Some(desired_status(task).to_owned()),
        enable_execute_command: Some(false),
        execution_stopped_at: at(moments.execution_stopped),
        group: Some(task.launch.group.clone()),
        health_status: Some(task_health(model, task, &definitions).to_owned()),
        last_status: Some(task.status.as_str().to_owned()),
        launch_type: Some(task.launch.launch_type.clone()),
        memory: Some(task.demand.memory.to_string()),
        overrides: Some(task.launch.overrides.clone()),
        pull_started_at: at(moments.pull_started),
        pull_stopped_at: at(moments.pull_stopped),
        started_at: at(moments.started),
        started_by: task.launch.started_by.clone(),
        stop_code: stop.map(|stop| stop.code.as_str().to_owned()),
        stopped_at: at(moments.stopped),
        stopped_reason: stop.map(|stop| stop.reason.clone()),
        stopping_at: stop.map(|stop| stop.at.into()),
        tags: if with_tags { tags::to_api(&task.launch.tags) } else { Vec::new() },
        task_arn: Some(task.arn.to_string()),
        task_definition_arn: Some(model.arn(&format!("task-definition/{}", task.definition))),
        version: Some(task.version),
        ..api::Task::default()
    }
}

fn connected_at(known: &Connectivity, task: &Task) -> Timestamp {
    known.since.max(task.moments.created).into()
}

fn architecture(value: String) -> api::Attribute {
    api::Attribute {
        name: Some("ecs.cpu-architecture".to_owned()),
        value: Some(value),
        ..api::Attribute::default()
    }
}

fn definition_of<'a>(
    definitions: &'a [api::ContainerDefinition],
    name: &str,
) -> Option<&'a api::ContainerDefinition> {
    definitions.iter().find(|definition| definition.name.as_deref() == Some(name))
}

fn attachment(interface: &Interface) -> api::Attachment {
    let detail = |name: &str, value: &str| api::KeyValuePair {
        name: Some(name.to_owned()),
        value: Some(value.to_owned()),
    };
    api::Attachment {
        id: Some(interface.attachment.clone()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some(interface.status.as_str().to_owned()),
        details: vec![
            detail("subnetId", &interface.subnet),
            detail("networkInterfaceId", &interface.eni),
            detail("macAddress", &interface.mac),
            detail("privateIPv4Address", &interface.address.to_string()),
        ],
    }
}

fn container(
    model: &Model,
    task: &Task,
    known: &Container,
    definition: Option<&api::ContainerDefinition>,
) -> api::Container {
    let interfaces = task.interface.iter().map(|interface| api::NetworkInterface {
        attachment_id: Some(interface.attachment.clone()),
        private_ipv4_address: Some(interface.address.to_string()),
        ipv6_address: None,
    });
    let size = |size: Option<i64>| size.map(|size| size.to_string());
    api::Container {
        container_arn: Some(known.arn.clone()),
        task_arn: Some(task.arn.to_string()),
        name: Some(known.name.clone()),
        image: definition.and_then(|definition| definition.image.clone()),
        image_digest: known.image_digest.clone(),
        runtime_id: known.runtime_id.clone(),
        last_status: Some(known.status.as_str().to_owned()),
        exit_code: known.exit_code,
        reason: known.reason.clone(),
        network_bindings: known.bindings.clone(),
        network_interfaces: interfaces.collect(),
        health_status: Some(container_health(model, task, &known.name).to_owned()),
        managed_agents: known.managed_agents.clone(),
        cpu: size(definition.map(|definition| definition.cpu.unwrap_or(0))),
        memory: size(definition.and_then(|definition| definition.memory)),
        memory_reservation: size(definition.and_then(|definition| definition.memory_reservation)),
        ..api::Container::default()
    }
}

fn container_health<'a>(model: &'a Model, task: &Task, name: &str) -> &'a str {
    let reported = model.live.health.get(&task.arn).and_then(|containers| containers.get(name));
    match reported.and_then(|health| health.health_status.as_deref()) {
        Some("HEALTHY") => "HEALTHY",
        Some("UNHEALTHY") => "UNHEALTHY",
        Some(_) | None => "UNKNOWN",
    }
}

/// Over the essential containers that have a health check: the worst counts, and without any it is unknown.
fn task_health(model: &Model, task: &Task, definitions: &[api::ContainerDefinition]) -> &'static str {
    let checked = definitions.iter().filter(|one| one.health_check.is_some() && one.essential != Some(false));
    let states: Vec<&str> = checked
        .filter_map(|one| one.name.as_deref())
        .map(|name| container_health(model, task, name))
        .collect();
    match () {
        () if states.contains(&"UNHEALTHY") => "UNHEALTHY",
        () if states.is_empty() || states.contains(&"UNKNOWN") => "UNKNOWN",
        () => "HEALTHY",
    }
}
