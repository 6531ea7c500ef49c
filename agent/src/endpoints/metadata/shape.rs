//! Task and container metadata, key by key in the Go agent's order. Source: spec 6.2.

use serde::Serialize;
use std::collections::BTreeMap;

/// Answer to `/v4/<id>/task`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskBody {
    pub(super) cluster: String,
    #[serde(rename = "TaskARN")]
    pub(super) task_arn: String,
    pub(super) family: String,
    pub(super) revision: String,
    pub(super) desired_status: &'static str,
    pub(super) known_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pull_started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pull_stopped_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) execution_stopped_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) availability_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) launch_type: Option<String>,
    pub(super) containers: Vec<ContainerBody>,
    #[serde(flatten)]
    pub(super) v4: Option<TaskBodyV4>,
}

/// What version 4 adds to a task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaskBodyV4 {
    #[serde(rename = "VPCID", skip_serializing_if = "Option::is_none")]
    pub(super) vpc_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_name: Option<String>,
    pub(super) fault_injection_enabled: bool,
    #[serde(rename = "AvailabilityZoneID", skip_serializing_if = "Option::is_none")]
    pub(super) availability_zone_id: Option<String>,
}

/// Answer to `/v4/<id>`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerBody {
    pub(super) docker_id: String,
    pub(super) name: String,
    pub(super) docker_name: String,
    pub(super) image: String,
    #[serde(rename = "ImageID")]
    pub(super) image_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<PortBody>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) desired_status: &'static str,
    pub(super) known_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    pub(super) limits: Limits,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished_at: Option<String>,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) health: Option<HealthBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) volumes: Vec<VolumeBody>,
    #[serde(flatten)]
    pub(super) v4: Option<ContainerBodyV4>,
    pub(super) networks: Vec<NetworkBody>,
    /// Only with a restart policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restart_count: Option<u32>,
}

/// What version 4 adds to a container.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContainerBodyV4 {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_driver: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) log_options: BTreeMap<String, String>,
    #[serde(rename = "ContainerARN", skip_serializing_if = "Option::is_none")]
    pub(super) container_arn: Option<String>,
}

/// Limits of a task (vCPU, MiB) or of a container (CPU units, MiB).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Limits {
    #[serde(rename = "CPU", skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<u32>,
}

/// A port that a container listens on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PortBody {
    pub(super) container_port: u16,
    pub(super) protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host_port: Option<u16>,
}

#[derive(Debug, Serialize)]
pub(super) struct HealthBody {
    pub(super) status: &'static str,
    #[serde(rename = "statusSince", skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    #[serde(rename = "exitCode", skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) output: String,
}

/// A mounted volume.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolumeBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) docker_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    pub(super) destination: String,
}

/// A network that a container is in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkBody {
    pub(super) network_mode: &'static str,
    #[serde(rename = "IPv4Addresses", skip_serializing_if = "Vec::is_empty")]
    pub(super) ipv4_addresses: Vec<String>,
    #[serde(rename = "IPv6Addresses", skip_serializing_if = "Vec::is_empty")]
    pub(super) ipv6_addresses: Vec<String>,
    #[serde(flatten)]
    pub(super) v4: Option<InterfaceBody>,
}

/// What version 4 adds to an awsvpc network.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InterfaceBody {
    pub(super) attachment_index: u32,
    #[serde(rename = "MACAddress")]
    pub(super) mac: String,
    #[serde(rename = "IPv4SubnetCIDRBlock", skip_serializing_if = "Option::is_none")]
    pub(super) ipv4_subnet: Option<String>,
    #[serde(rename = "IPv6SubnetCIDRBlock", skip_serializing_if = "Option::is_none")]
    pub(super) ipv6_subnet: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) domain_name_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) domain_name_search_list: Vec<String>,
    #[serde(rename = "PrivateDNSName", skip_serializing_if = "Option::is_none")]
    pub(super) private_dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet_gateway_ipv4_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet_gateway_ipv6_address: Option<String>,
}
