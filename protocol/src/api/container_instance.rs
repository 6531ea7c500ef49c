//! Container instances: register, deregister, describe, list, change state.

use super::common::{Attachment, Attribute, Failure, Resource, Tag, VersionInfo};
use crate::Timestamp;

wire! {
    /// The `RegisterContainerInstanceRequest` shape.
    pub struct RegisterContainerInstanceRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `instanceIdentityDocument` of the public model.
        instance_identity_document: Option<String>,
        /// The `instanceIdentityDocumentSignature` of the public model.
        instance_identity_document_signature: Option<String>,
        /// The `totalResources` of the public model.
        total_resources: Vec<Resource>,
        /// The `versionInfo` of the public model.
        version_info: Option<VersionInfo>,
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `attributes` of the public model.
        attributes: Vec<Attribute>,
        /// The `platformDevices` of the public model.
        platform_devices: Vec<PlatformDevice>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `clientToken` of the public model.
        client_token: Option<String>,
    }

    /// The `RegisterContainerInstanceResponse` shape.
    pub struct RegisterContainerInstanceResponse {
        /// The `containerInstance` of the public model.
        container_instance: Option<ContainerInstance>,
    }

    /// The `DeregisterContainerInstanceRequest` shape.
    pub struct DeregisterContainerInstanceRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `force` of the public model.
        force: Option<bool>,
    }

    /// The `DeregisterContainerInstanceResponse` shape.
    pub struct DeregisterContainerInstanceResponse {
        /// The `containerInstance` of the public model.
        container_instance: Option<ContainerInstance>,
    }

    /// The `DescribeContainerInstancesRequest` shape.
    pub struct DescribeContainerInstancesRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstances` of the public model.
        container_instances: Vec<String>,
        /// The `include` of the public model.
        include: Vec<String>,
    }

    /// The `DescribeContainerInstancesResponse` shape.
    pub struct DescribeContainerInstancesResponse {
        /// The `containerInstances` of the public model.
        container_instances: Vec<ContainerInstance> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `ListContainerInstancesRequest` shape.
    pub struct ListContainerInstancesRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `filter` of the public model.
        filter: Option<String>,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
        /// The `maxResults` of the public model.
        max_results: Option<i64>,
        /// The `status` of the public model.
        status: Option<String>,
    }

    /// The `ListContainerInstancesResponse` shape.
    pub struct ListContainerInstancesResponse {
        /// The `containerInstanceArns` of the public model.
        container_instance_arns: Vec<String> = sent,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
    }

    /// The `UpdateContainerInstancesStateRequest` shape.
    pub struct UpdateContainerInstancesStateRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstances` of the public model.
        container_instances: Vec<String>,
        /// The `status` of the public model.
        status: Option<String>,
    }

    /// The `UpdateContainerInstancesStateResponse` shape.
    pub struct UpdateContainerInstancesStateResponse {
        /// The `containerInstances` of the public model.
        container_instances: Vec<ContainerInstance> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `ContainerInstance` shape.
    pub struct ContainerInstance {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `ec2InstanceId` of the public model.
        ec2_instance_id: Option<String>,
        /// The `capacityProviderName` of the public model.
        capacity_provider_name: Option<String>,
        /// The `version` of the public model.
        version: Option<i64>,
        /// The `versionInfo` of the public model.
        version_info: Option<VersionInfo>,
        /// The `remainingResources` of the public model.
        remaining_resources: Vec<Resource> = sent,
        /// The `registeredResources` of the public model.
        registered_resources: Vec<Resource> = sent,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `statusReason` of the public model.
        status_reason: Option<String>,
        /// The `agentConnected` of the public model.
        agent_connected: Option<bool>,
        /// The `runningTasksCount` of the public model.
        running_tasks_count: Option<i64>,
        /// The `pendingTasksCount` of the public model.
        pending_tasks_count: Option<i64>,
        /// The `agentUpdateStatus` of the public model.
        agent_update_status: Option<String>,
        /// The `attributes` of the public model.
        attributes: Vec<Attribute> = sent,
        /// The `registeredAt` of the public model.
        registered_at: Option<Timestamp>,
        /// The `attachments` of the public model.
        attachments: Vec<Attachment> = sent,
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
        /// The `healthStatus` of the public model.
        health_status: Option<ContainerInstanceHealthStatus>,
        /// The `gpuDevices` of the public model.
        gpu_devices: Vec<GpuDevice> = sent,
    }

    /// The `ContainerInstanceHealthStatus` shape.
    pub struct ContainerInstanceHealthStatus {
        /// The `overallStatus` of the public model.
        overall_status: Option<String>,
        /// The `details` of the public model.
        details: Vec<InstanceHealthCheckResult>,
    }

    /// The `InstanceHealthCheckResult` shape.
    pub struct InstanceHealthCheckResult {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `statusReason` of the public model.
        status_reason: Option<String>,
        /// The `lastUpdated` of the public model.
        last_updated: Option<Timestamp>,
        /// The `lastStatusChange` of the public model.
        last_status_change: Option<Timestamp>,
    }

    /// The `PlatformDevice` shape.
    pub struct PlatformDevice {
        /// The `id` of the public model.
        id: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
    }

    /// The `GpuDevice` shape.
    pub struct GpuDevice {
        /// The `gpuId` of the public model.
        gpu_id: Option<String>,
        /// The `sharingMode` of the public model.
        sharing_mode: Option<String>,
        /// The `totalMemoryInMiB` of the public model.
        #[serde(rename = "totalMemoryInMiB")]
        total_memory_in_mib: Option<i64>,
        /// The `remainingMemoryInMiB` of the public model.
        #[serde(rename = "remainingMemoryInMiB")]
        remaining_memory_in_mib: Option<i64>,
        /// The `containerCount` of the public model.
        container_count: Option<i64>,
    }
}
