//! The simulated control plane's messages, in the words of the wire.

use crate::plane::Goal;
use crate::scenario::{Condition, ContainerPlan, Millis, NetworkPlan, TaskPlan};
use wharf_protocol::acs;
use wharf_protocol::arn::TaskArn;

pub const CLUSTER: &str = "arn:aws:ecs:us-west-2:123456789012:cluster/sim";
pub const INSTANCE: &str = "arn:aws:ecs:us-west-2:123456789012:container-instance/sim/host";

/// The name of a task's container.
pub fn name(index: usize) -> String {
    format!("c{index}")
}

/// Which container of its task has this name.
pub fn index(name: &str) -> Option<usize> {
    name.strip_prefix('c')?.parse().ok()
}

pub fn heartbeat() -> acs::Message {
    acs::HeartbeatMessage { healthy: Some(true), message_id: Some("beat".to_owned()) }.into()
}

pub fn payload(id: &str, timeline: i64, tasks: Vec<acs::Task>) -> acs::Message {
    acs::PayloadMessage {
        message_id: Some(id.to_owned()),
        cluster_arn: Some(CLUSTER.to_owned()),
        container_instance_arn: Some(INSTANCE.to_owned()),
        tasks,
        seq_num: Some(timeline),
        ..acs::PayloadMessage::default()
    }
    .into()
}

pub fn attach(id: &str, goal: &Goal, lapses: Millis) -> acs::Message {
    acs::AttachTaskNetworkInterfacesMessage {
        message_id: Some(id.to_owned()),
        cluster_arn: Some(CLUSTER.to_owned()),
        container_instance_arn: Some(INSTANCE.to_owned()),
        task_arn: Some(goal.arn.to_string()),
        wait_timeout_ms: i64::try_from(lapses).ok(),
        elastic_network_interfaces: vec![interface(goal)],
        ..acs::AttachTaskNetworkInterfacesMessage::default()
    }
    .into()
}

pub fn manifest<'a>(id: &str, timeline: i64, wanted: impl Iterator<Item = &'a TaskArn>) -> acs::Message {
    acs::TaskManifestMessage {
        message_id: Some(id.to_owned()),
        cluster_arn: Some(CLUSTER.to_owned()),
        container_instance_arn: Some(INSTANCE.to_owned()),
        tasks: wanted.map(|arn| identifier(arn, "RUNNING")).collect(),
        timeline: Some(timeline),
        ..acs::TaskManifestMessage::default()
    }
    .into()
}

pub fn verified(manifest: &str, stop: &[TaskArn]) -> acs::Message {
    acs::TaskStopVerificationAck {
        message_id: Some(manifest.to_owned()),
        stop_tasks: stop.iter().map(|arn| identifier(arn, "STOPPED")).collect(),
        ..acs::TaskStopVerificationAck::default()
    }
    .into()
}

fn identifier(arn: &TaskArn, desired: &str) -> acs::TaskIdentifier {
    acs::TaskIdentifier {
        task_arn: Some(arn.to_string()),
        task_cluster_arn: Some(CLUSTER.to_owned()),
        desired_status: Some(desired.to_owned()),
    }
}

/// A task of a payload.
pub fn task(goal: &Goal, desired: &str) -> acs::Task {
    let plan = &goal.plan;
    let mode = match plan.network {
        NetworkPlan::Interface { .. } => "awsvpc",
        NetworkPlan::Nothing => "none",
        NetworkPlan::Host { .. } => "host",
    };
    let interfaces = matches!(plan.network, NetworkPlan::Interface { .. }).then(|| interface(goal));
    acs::Task {
        arn: Some(goal.arn.to_string()),
        family: Some("sim".to_owned()),
        version: Some("1".to_owned()),
        desired_status: Some(desired.to_owned()),
        network_mode: Some(mode.to_owned()),
        elastic_network_interfaces: interfaces.into_iter().collect(),
        containers: (0..plan.containers.len()).map(|at| container(at, plan)).collect(),
        ..acs::Task::default()
    }
}

fn container(at: usize, plan: &TaskPlan) -> acs::Container {
    let ContainerPlan { essential, stop_timeout, waits_for, healthy_after, restart, .. } =
        &plan.containers[at];
    let health =
        r#"{"Healthcheck":{"Test":["CMD","check"],"Interval":5000000000,"Timeout":2000000000,"Retries":3}}"#;
    let condition = |condition: &Condition| match condition {
        Condition::Start => "START",
        Condition::Complete => "COMPLETE",
        Condition::Success => "SUCCESS",
        Condition::Healthy => "HEALTHY",
    };
    let depends_on = waits_for.iter().map(|wanted| acs::ContainerDependency {
        container_name: Some(name(at.saturating_sub(1))),
        condition: Some(condition(wanted).to_owned()),
    });
    let port = crate::plane::port(plan).filter(|_| at == 0).map(|port| acs::PortMapping {
        container_port: Some(i64::from(port)),
        host_port: Some(i64::from(port)),
        protocol: Some("tcp".to_owned()),
        ..acs::PortMapping::default()
    });
    acs::Container {
        name: Some(name(at)),
        image: Some("registry.example/app:1".to_owned()),
        essential: Some(*essential),
        overrides: Some("{}".to_owned()),
        stop_timeout: i64::try_from(*stop_timeout).ok(),
        restart_policy: restart.map(|restart| acs::RestartPolicy {
            enabled: Some(true),
            restart_attempt_period: i64::try_from(restart.period).ok(),
            ignored_exit_codes: restart.ignored.into_iter().map(i64::from).collect(),
        }),
        depends_on: depends_on.collect(),
        port_mappings: port.into_iter().collect(),
        health_check_type: healthy_after.map(|_| "docker".to_owned()),
        docker_config: Some(acs::DockerConfig {
            config: healthy_after.map(|_| health.to_owned()),
            host_config: Some(r#"{"LogConfig":{"Type":"none"}}"#.to_owned()),
            ..acs::DockerConfig::default()
        }),
        ..acs::Container::default()
    }
}

fn interface(goal: &Goal) -> acs::ElasticNetworkInterface {
    let number = goal.address.unwrap_or_default();
    acs::ElasticNetworkInterface {
        ec2_id: Some(format!("eni-{number:04}")),
        attachment_arn: Some(format!("arn:aws:ecs:us-west-2:123456789012:attachment/{}", goal.arn.id())),
        mac_address: Some(format!("0a:00:00:00:00:{number:02x}")),
        ipv4_addresses: vec![acs::IPv4AddressAssignment {
            primary: Some(true),
            private_address: Some(format!("10.0.0.{}", number + 10)),
        }],
        subnet_gateway_ipv4_address: Some("10.0.0.1/24".to_owned()),
        domain_name_servers: vec!["10.0.0.2".to_owned()],
        ..acs::ElasticNetworkInterface::default()
    }
}
