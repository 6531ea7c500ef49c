//! Messages to agents, made from the model (spec 3.5, 3.8, 8).

use super::container;
use crate::model::Model;
use crate::model::definition::{task_cpu, task_memory, with_overrides};
use crate::model::instance::Instance;
use crate::model::task::{Interface, Task};
use crate::model::time::Time;
use std::collections::BTreeMap;
use wharf_protocol::{acs, api};

/// Credentials that travel inside a payload.
#[derive(Debug, Default)]
pub struct Roles {
    /// Of the task role.
    pub task: Option<acs::IAMRoleCredentials>,
    /// Of the execution role.
    pub execution: Option<acs::IAMRoleCredentials>,
}

fn desired(task: &Task) -> Option<String> {
    Some(if task.shall_stop() { "STOPPED" } else { "RUNNING" }.to_owned())
}

fn cluster_arn(model: &Model, name: &str) -> Option<String> {
    Some(model.arn(&format!("cluster/{name}")))
}

/// The manifest: every task the agent has and should have.
pub fn manifest(model: &Model, instance: &Instance, id: &str, now: Time) -> acs::Message {
    let identifier = |task: &Task| acs::TaskIdentifier {
        task_arn: Some(task.arn.to_string()),
        task_cluster_arn: cluster_arn(model, &task.cluster),
        desired_status: desired(task),
    };
    let tasks = model.tasks_on(&instance.arn).filter(|task| task.handed_over);
    acs::Message::TaskManifestMessage(acs::TaskManifestMessage {
        container_instance_arn: Some(instance.arn.to_string()),
        cluster_arn: cluster_arn(model, &instance.cluster),
        tasks: tasks.map(identifier).collect(),
        generated_at: Some(now.as_millis()),
        message_id: Some(id.to_owned()),
        timeline: Some(instance.timeline),
    })
}

/// The answer to an agent that asked which tasks shall really stop.
pub fn stop_verification(manifest: &str, stop: Vec<acs::TaskIdentifier>, now: Time) -> acs::Message {
    acs::Message::TaskStopVerificationAck(acs::TaskStopVerificationAck {
        generated_at: Some(now.as_millis()),
        message_id: Some(manifest.to_owned()),
        stop_tasks: stop,
    })
}

/// Tells an agent to make a task's interface; `None` for a task without one.
pub fn attach(model: &Model, task: &Task, id: &str, now: Time) -> Option<acs::Message> {
    let interface = task.interface.as_ref()?;
    let left = interface.deadline.unwrap_or(now).since(now).as_millis().max(1);
    Some(acs::Message::AttachTaskNetworkInterfacesMessage(acs::AttachTaskNetworkInterfacesMessage {
        container_instance_arn: Some(task.instance.to_string()),
        cluster_arn: cluster_arn(model, &task.cluster),
        task_arn: Some(task.arn.to_string()),
        task_cluster_arn: cluster_arn(model, &task.cluster),
        generated_at: Some(now.as_millis()),
        message_id: Some(id.to_owned()),
        wait_timeout_ms: i64::try_from(left).ok(),
        elastic_network_interfaces: vec![network_interface(model, interface)],
    }))
}

/// New credentials for one role of a task.
pub fn credentials(
    model: &Model,
    task: &Task,
    kind: &str,
    credentials: acs::IAMRoleCredentials,
    id: &str,
) -> acs::Message {
    acs::Message::IAMRoleCredentialsMessage(acs::IAMRoleCredentialsMessage {
        task_arn: Some(task.arn.to_string()),
        task_cluster_arn: cluster_arn(model, &task.cluster),
        role_credentials: Some(credentials),
        role_type: Some(kind.to_owned()),
        message_id: Some(id.to_owned()),
    })
}

/// The payload that carries tasks.
pub fn payload(
    model: &Model,
    instance: &Instance,
    tasks: Vec<acs::Task>,
    id: &str,
    now: Time,
) -> acs::Message {
    acs::Message::PayloadMessage(acs::PayloadMessage {
        container_instance_arn: Some(instance.arn.to_string()),
        cluster_arn: cluster_arn(model, &instance.cluster),
        tasks,
        generated_at: Some(now.as_millis()),
        message_id: Some(id.to_owned()),
        // An agent ignores a manifest that is not above the highest number it saw here (spec 3.7).
        seq_num: Some(instance.timeline),
        timeline: Some(instance.timeline),
    })
}

/// A task as a payload carries it; `None` when its definition is gone, which no operation brings about.
pub fn task(model: &Model, task: &Task, roles: Roles) -> Option<acs::Task> {
    let registered = &model.definitions.get(&task.definition)?.document;
    let document = with_overrides(registered, &task.launch.overrides).ok()?;
    let containers = document.container_definitions.iter().zip(&task.containers);
    Some(acs::Task {
        arn: Some(task.arn.to_string()),
        task_cluster_arn: cluster_arn(model, &task.cluster),
        containers: containers
            .map(|(definition, known)| container::container(model, &document, definition, &known.arn))
            .collect(),
        desired_status: desired(task),
        family: Some(task.definition.family.clone()),
        overrides: Some("{}".to_owned()),
        version: Some(task.definition.number.to_string()),
        task_definition_account_id: Some(model.policy.account.clone()),
        volumes: document.volumes.iter().map(volume).collect(),
        role_credentials: roles.task,
        execution_role_credentials: roles.execution,
        elastic_network_interfaces: task
            .interface
            .iter()
            .map(|interface| network_interface(model, interface))
            .collect(),
        cpu: task_cpu(document.cpu.as_deref()).ok().flatten().map(|units| units as f64 / 1024.0),
        memory: task_memory(document.memory.as_deref()).ok().flatten(),
        pid_mode: document.pid_mode.clone(),
        ipc_mode: document.ipc_mode.clone(),
        proxy_configuration: document.proxy_configuration.as_ref().map(proxy),
        launch_type: Some(task.launch.launch_type.clone()),
        network_mode: Some(document.network_mode.as_deref().unwrap_or("bridge").to_owned()),
        group: Some(task.launch.group.clone()),
        enable_fault_injection: document.enable_fault_injection,
        ..acs::Task::default()
    })
}

fn network_interface(model: &Model, interface: &Interface) -> acs::ElasticNetworkInterface {
    let Interface { gateway, prefix_len, address, .. } = interface;
    let host = address.to_string().replace('.', "-");
    acs::ElasticNetworkInterface {
        mac_address: Some(interface.mac.clone()),
        attachment_arn: Some(model.arn(&format!("attachment/{}", interface.attachment))),
        ec2_id: Some(interface.eni.clone()),
        index: Some(0),
        ipv4_addresses: vec![acs::IPv4AddressAssignment {
            private_address: Some(address.to_string()),
            primary: Some(true),
        }],
        domain_name_servers: model.policy.dns_servers.clone(),
        private_dns_name: Some(format!("ip-{host}.{}.compute.internal", model.policy.region)),
        subnet_gateway_ipv4_address: Some(format!("{gateway}/{prefix_len}")),
        ..acs::ElasticNetworkInterface::default()
    }
}

fn proxy(proxy: &api::ProxyConfiguration) -> acs::ProxyConfiguration {
    let pair = |one: &api::KeyValuePair| Some((one.name.clone()?, one.value.clone().unwrap_or_default()));
    acs::ProxyConfiguration {
        r#type: Some(proxy.r#type.clone().unwrap_or_else(|| "APPMESH".to_owned())),
        container_name: proxy.container_name.clone(),
        properties: proxy.properties.iter().filter_map(pair).collect::<BTreeMap<_, _>>(),
    }
}

/// A volume; a task-private one is a host volume without a path.
fn volume(volume: &api::Volume) -> acs::Volume {
    let name = volume.name.clone();
    if let Some(docker) = &volume.docker_volume_configuration {
        return acs::Volume {
            name,
            r#type: Some("docker".to_owned()),
            docker_volume_configuration: Some(acs::DockerVolumeConfiguration {
                scope: docker.scope.clone().or_else(|| Some("task".to_owned())),
                autoprovision: docker.autoprovision,
                driver: docker.driver.clone().or_else(|| Some("local".to_owned())),
                driver_opts: docker.driver_opts.clone(),
                labels: docker.labels.clone(),
            }),
            ..acs::Volume::default()
        };
    }
    if let Some(efs) = &volume.efs_volume_configuration {
        let authorization = efs.authorization_config.as_ref();
        return acs::Volume {
            name,
            r#type: Some("efs".to_owned()),
            efs_volume_configuration: Some(acs::EFSVolumeConfiguration {
                file_system_id: efs.file_system_id.clone(),
                root_directory: efs.root_directory.clone(),
                transit_encryption: efs.transit_encryption.clone(),
                transit_encryption_port: efs.transit_encryption_port,
                authorization_config: authorization.map(|given| acs::EFSAuthorizationConfig {
                    access_point_id: given.access_point_id.clone(),
                    iam: given.iam.clone(),
                }),
            }),
            ..acs::Volume::default()
        };
    }
    let source_path = volume.host.as_ref().and_then(|host| host.source_path.clone());
    acs::Volume {
        name,
        r#type: Some("host".to_owned()),
        host: Some(acs::HostVolumeProperties { source_path }),
        ..acs::Volume::default()
    }
}
