//! Tasks as a control plane would send them, short to write in a test.

use crate::scripted::{CLUSTER_ARN, INSTANCE_ARN};
use crate::world::IMAGE;
use uuid::Uuid;
use wharf_protocol::acs;

/// A payload with these tasks and a fresh message id, which is returned too.
pub fn payload(tasks: Vec<acs::Task>) -> (String, acs::PayloadMessage) {
    let id = Uuid::new_v4().to_string();
    let message = acs::PayloadMessage {
        message_id: Some(id.clone()),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        tasks,
        ..Default::default()
    };
    (id, message)
}

/// A task to run, with a fresh ARN, an interface with the address 10.77.`net`.`host` and these containers.
pub fn awsvpc_task(net: u8, host: u8, containers: Vec<acs::Container>) -> acs::Task {
    acs::Task {
        arn: Some(format!("arn:aws:ecs:us-west-2:123456789012:task/e2e/{}", Uuid::new_v4().simple())),
        family: Some("e2e".to_owned()),
        version: Some("1".to_owned()),
        desired_status: Some("RUNNING".to_owned()),
        network_mode: Some("awsvpc".to_owned()),
        launch_type: Some("EC2".to_owned()),
        elastic_network_interfaces: vec![interface(net, host)],
        containers,
        ..Default::default()
    }
}

/// The same task with the wish that it stops.
pub fn stop(task: &acs::Task) -> acs::Task {
    acs::Task { desired_status: Some("STOPPED".to_owned()), ..task.clone() }
}

/// An essential container of the demo image that runs `command`.
pub fn container(name: &str, command: &[&str]) -> acs::Container {
    acs::Container {
        name: Some(name.to_owned()),
        image: Some(IMAGE.to_owned()),
        essential: Some(true),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        overrides: Some("{}".to_owned()),
        ..Default::default()
    }
}

/// An interface as a control plane assigns it.
pub fn interface(net: u8, host: u8) -> acs::ElasticNetworkInterface {
    acs::ElasticNetworkInterface {
        ec2_id: Some(format!("eni-{net:02x}{host:02x}")),
        attachment_arn: Some(format!("arn:aws:ecs:us-west-2:123456789012:attachment/{}", Uuid::new_v4())),
        mac_address: Some(format!("0a:00:0a:4d:{net:02x}:{host:02x}")),
        ipv4_addresses: vec![acs::IPv4AddressAssignment {
            primary: Some(true),
            private_address: Some(format!("10.77.{net}.{host}")),
        }],
        subnet_gateway_ipv4_address: Some(format!("10.77.{net}.1/24")),
        domain_name_servers: vec!["10.77.0.2".to_owned()],
        private_dns_name: Some(format!("ip-10-77-{net}-{host}.e2e.internal")),
        ..Default::default()
    }
}

/// The task's ARN.
pub fn arn(task: &acs::Task) -> &str {
    task.arn.as_deref().expect("made with an ARN")
}
