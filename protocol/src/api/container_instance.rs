//! Container instances: register, deregister, describe, list, change state.

use super::common::{Attachment, Attribute, Failure, Resource, Tag, VersionInfo};
use crate::Timestamp;

wire! {
    /// Input of [`RegisterContainerInstance`](super::RegisterContainerInstance).
    pub struct RegisterContainerInstanceRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// EC2's identity document, as it stands; empty off EC2.
        instance_identity_document: Option<String>,
        /// Signature of the identity document; empty off EC2.
        instance_identity_document_signature: Option<String>,
        /// What the instance has: CPU units, MiB of memory, reserved ports.
        total_resources: Vec<Resource>,
        /// Versions of the agent and its runtime.
        version_info: Option<VersionInfo>,
        /// ARN from the first registration; present when registering again.
        container_instance_arn: Option<String>,
        /// Capabilities and custom attributes; each must come back unchanged in the response.
        attributes: Vec<Attribute>,
        /// GPUs and Neuron devices.
        platform_devices: Vec<PlatformDevice>,
        /// Tags, at most 50.
        tags: Vec<Tag>,
        /// Makes the call idempotent.
        client_token: Option<String>,
    }

    /// Output of [`RegisterContainerInstance`](super::RegisterContainerInstance).
    pub struct RegisterContainerInstanceResponse {
        /// The registered instance; the agent checks that every attribute it sent stands here unchanged.
        container_instance: Option<ContainerInstance>,
    }

    /// Input of [`DeregisterContainerInstance`](super::DeregisterContainerInstance).
    pub struct DeregisterContainerInstanceRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Container instance, by id or ARN.
        container_instance: Option<String>,
        /// Whether to deregister although tasks run.
        force: Option<bool>,
    }

    /// Output of [`DeregisterContainerInstance`](super::DeregisterContainerInstance).
    pub struct DeregisterContainerInstanceResponse {
        /// The instance as it was.
        container_instance: Option<ContainerInstance>,
    }

    /// Input of [`DescribeContainerInstances`](super::DescribeContainerInstances).
    pub struct DescribeContainerInstancesRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Ids or ARNs, at most 100.
        container_instances: Vec<String>,
        /// What else to tell: `TAGS`, `CONTAINER_INSTANCE_HEALTH`.
        include: Vec<String>,
    }

    /// Output of [`DescribeContainerInstances`](super::DescribeContainerInstances).
    pub struct DescribeContainerInstancesResponse {
        /// Container instances.
        container_instances: Vec<ContainerInstance> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// Input of [`ListContainerInstances`](super::ListContainerInstances).
    pub struct ListContainerInstancesRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Cluster query language expression.
        filter: Option<String>,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
        /// Most results a page may hold, 1 to 100.
        max_results: Option<i64>,
        /// Lists only instances of this status: `ACTIVE`, `DRAINING`, `REGISTERING`, `DEREGISTERING`,
        /// `REGISTRATION_FAILED`.
        status: Option<String>,
    }

    /// Output of [`ListContainerInstances`](super::ListContainerInstances).
    pub struct ListContainerInstancesResponse {
        /// ARNs of the container instances.
        container_instance_arns: Vec<String> = sent,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
    }

    /// Input of [`UpdateContainerInstancesState`](super::UpdateContainerInstancesState).
    pub struct UpdateContainerInstancesStateRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Ids or ARNs, at most 10.
        container_instances: Vec<String>,
        /// Status to set: `ACTIVE` or `DRAINING`.
        status: Option<String>,
    }

    /// Output of [`UpdateContainerInstancesState`](super::UpdateContainerInstancesState).
    pub struct UpdateContainerInstancesStateResponse {
        /// Container instances.
        container_instances: Vec<ContainerInstance> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// A host that runs tasks.
    pub struct ContainerInstance {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// Id of the EC2 instance, or of the registered machine.
        ec2_instance_id: Option<String>,
        /// Name of the capacity provider.
        capacity_provider_name: Option<String>,
        /// Counter that grows with every change.
        version: Option<i64>,
        /// Versions of the agent and its runtime.
        version_info: Option<VersionInfo>,
        /// What is left for further tasks.
        remaining_resources: Vec<Resource> = sent,
        /// What the instance has in all.
        registered_resources: Vec<Resource> = sent,
        /// `REGISTERING`, `REGISTRATION_FAILED`, `ACTIVE`, `INACTIVE`, `DEREGISTERING` or `DRAINING`.
        status: Option<String>,
        /// Why the status is what it is.
        status_reason: Option<String>,
        /// Whether the agent's ACS session is open.
        agent_connected: Option<bool>,
        /// Number of tasks that are `RUNNING`.
        running_tasks_count: Option<i64>,
        /// Number of tasks that are `PENDING`.
        pending_tasks_count: Option<i64>,
        /// Status of the agent's update: `PENDING`, `STAGING`, `STAGED`, `UPDATING`, `UPDATED`, `FAILED`.
        agent_update_status: Option<String>,
        /// Capabilities, custom attributes and what the control plane added.
        attributes: Vec<Attribute> = sent,
        /// When it was registered.
        registered_at: Option<Timestamp>,
        /// Network interfaces of the instance.
        attachments: Vec<Attachment> = sent,
        /// Tags, at most 50.
        tags: Vec<Tag> = sent,
        /// Outcome of the health checks, when `CONTAINER_INSTANCE_HEALTH` was included.
        health_status: Option<ContainerInstanceHealthStatus>,
        /// GPUs and how they are shared.
        gpu_devices: Vec<GpuDevice> = sent,
    }

    /// Outcome of an instance's health checks.
    pub struct ContainerInstanceHealthStatus {
        /// Worst outcome of the checks: `OK`, `IMPAIRED`, `INSUFFICIENT_DATA`, `INITIALIZING`.
        overall_status: Option<String>,
        /// Outcome of each check.
        details: Vec<InstanceHealthCheckResult>,
    }

    /// Outcome of one health check.
    pub struct InstanceHealthCheckResult {
        /// What was checked: `CONTAINER_RUNTIME`, `ACCELERATED_COMPUTE`, `DAEMON`, `AGENT_CONNECTIVITY`.
        r#type: Option<String>,
        /// Outcome of the check: `OK`, `IMPAIRED`, `INSUFFICIENT_DATA`, `INITIALIZING`.
        status: Option<String>,
        /// Why the status is what it is.
        status_reason: Option<String>,
        /// When the check last ran.
        last_updated: Option<Timestamp>,
        /// When the outcome last changed.
        last_status_change: Option<Timestamp>,
    }

    /// A GPU or Neuron device.
    pub struct PlatformDevice {
        /// Id of the device, such as a GPU's UUID.
        id: Option<String>,
        /// Kind of device: `GPU`, `NEURON_DEVICE`.
        r#type: Option<String>,
    }

    /// A GPU and how it is shared.
    pub struct GpuDevice {
        /// UUID of the GPU.
        gpu_id: Option<String>,
        /// How the GPU is shared: `IDLE`, `NVIDIA_MPS`, `DEDICATED`.
        sharing_mode: Option<String>,
        /// Memory in MiB.
        #[serde(rename = "totalMemoryInMiB")]
        total_memory_in_mib: Option<i64>,
        /// Memory that is left, in MiB.
        #[serde(rename = "remainingMemoryInMiB")]
        remaining_memory_in_mib: Option<i64>,
        /// Number of containers on the device.
        container_count: Option<i64>,
    }
}
