//! The edge: the payload of the specification becomes goals, and what cannot be honoured refuses its task by name.

mod messages;
mod refused;
mod understood;

use serde_json::{Value, json};
use wharf_agent::acs::{Converted, Policy, convert};
use wharf_core::event::Goal;
use wharf_core::spec::TaskSpec;
use wharf_protocol::acs::PayloadMessage;
use wharf_protocol::arn::TaskArn;
use wharf_protocol::json as wire;

pub(super) const TASK: &str = "arn:aws:ecs:us-west-2:111122223333:task/c1/0123456789abcdef0123456789abcdef";
pub(super) const CLUSTER: &str = "arn:aws:ecs:us-west-2:111122223333:cluster/c1";
pub(super) const INSTANCE: &str = "arn:aws:ecs:us-west-2:111122223333:container-instance/c1/9f8e";

/// The task of the specification's example (3.8), but for the network mode.
pub(super) fn example() -> Value {
    let docker = json!({"version": "1.24",
        "config": "{\"HealthCheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":30000000000,\"Timeout\":5000000000,\"Retries\":3}}",
        "hostConfig": "{\"NetworkMode\":\"none\",\"CapAdd\":[],\"CapDrop\":[]}"});
    json!({"arn": TASK, "family": "web", "version": "7", "desiredStatus": "RUNNING", "networkMode": "none",
        "launchType": "EC2", "cpu": 0.5, "memory": 512,
        "roleCredentials": {"credentialsId": "b6c7", "roleArn": "arn:aws:iam::111122223333:role/app",
            "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "hunter2", "sessionToken": "swordfish",
            "expiration": "2026-09-01T06:17:19Z"},
        "volumes": [{"name": "data", "type": "host", "host": {"sourcePath": "/srv/data"}}],
        "containers": [{"name": "web", "image": "public.ecr.aws/x/web:1", "essential": true, "cpu": 256, "memory": 256,
            "containerArn": "arn:aws:ecs:us-west-2:111122223333:container/c1/0123/77aa",
            "environment": {"AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, "overrides": "{}",
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": false}],
            "volumesFrom": [], "healthCheckType": "docker", "dockerConfig": docker}]})
}

/// The least that is acceptable, on the host's network.
pub(super) fn minimal() -> Value {
    json!({"arn": TASK, "family": "f", "version": "1", "desiredStatus": "RUNNING", "networkMode": "host",
        "containers": [{"name": "web", "image": "i", "essential": true}]})
}

pub(super) fn eni() -> Value {
    json!({"attachmentArn": "arn:aws:ecs:us-west-2:111122223333:attachment/a1", "ec2Id": "eni-1",
        "macAddress": "0A:58:0a:00:02:6a", "index": 0,
        "ipv4Addresses": [{"privateAddress": "10.0.2.107"}, {"privateAddress": "10.0.2.106", "primary": true}],
        "ipv6Addresses": [{"address": "fd00::6a", "primary": true}],
        "domainName": ["internal"], "domainNameServers": ["10.0.0.2"], "privateDnsName": "ip-10-0-2-106.internal",
        "subnetGatewayIpv4Address": "10.0.2.1/24"})
}

pub(super) fn docker(config: Value, host: Value) -> Value {
    json!({"version": "1.17", "config": config.to_string(), "hostConfig": host.to_string()})
}

pub(super) fn other_task(id: &str) -> String {
    format!("arn:aws:ecs:us-west-2:111122223333:task/c1/{id}")
}

pub(super) fn arn(text: &str) -> TaskArn {
    TaskArn::parse(text).expect("it is right")
}

/// `base` with the members of `change` in place of its own.
pub(super) fn with(mut base: Value, change: Value) -> Value {
    let (Value::Object(base_members), Value::Object(change)) = (&mut base, change) else { panic!("objects") };
    base_members.extend(change);
    base
}

pub(super) fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    wire::from_value(value).expect("it has the message's shape")
}

pub(super) fn policy() -> Policy {
    let logging_drivers = vec!["json-file".to_owned(), "none".to_owned()];
    Policy { privileged: true, task_eni: true, health_check: true, logging_drivers }
}

pub(super) fn payload(tasks: Value) -> Converted {
    convert_with(&policy(), tasks)
}

pub(super) fn convert_with(policy: &Policy, tasks: Value) -> Converted {
    let message: PayloadMessage = read(
        json!({"messageId": "m-1", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "tasks": tasks}),
    );
    let mut drawn = 0;
    convert(&message, policy, &mut || {
        drawn += 1;
        format!("id-{drawn}")
    })
}

pub(super) fn running(converted: &Converted) -> TaskSpec {
    match converted.goals.as_slice() {
        [Goal::Run(spec)] => (**spec).clone(),
        other => panic!("{other:?}"),
    }
}

/// The minimal task with a change, as it is to run.
pub(super) fn task(change: Value) -> TaskSpec {
    running(&payload(json!([with(minimal(), change)])))
}

/// The one container of the minimal task with a change.
pub(super) fn container(change: Value) -> wharf_core::spec::ContainerSpec {
    let container = with(json!({"name": "web", "image": "i"}), change);
    task(json!({"containers": [container]})).containers.remove(0)
}

/// Why the minimal task with a change is refused.
pub(super) fn refused(change: Value) -> String {
    match payload(json!([with(minimal(), change)])).goals.as_slice() {
        [Goal::Refuse(_, reason)] => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn refused_container(change: Value) -> String {
    let container = with(json!({"name": "web", "image": "i"}), change);
    refused(json!({"containers": [container]}))
}

pub(super) fn unsupported(field: &str) -> String {
    format!("UnrecogniedTaskError: Error loading task - {field} is not supported by this agent yet")
}
