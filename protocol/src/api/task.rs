//! Tasks: RunTask, StartTask, StopTask, DescribeTasks, ListTasks, and what a task looks like.

use super::common::{
    Attachment, Attribute, EphemeralStorage, Failure, InferenceAccelerator, NetworkBinding, Tag,
};
use super::container_definition::SharingStrategy;
use super::launch::TaskOverride;
use crate::Timestamp;

wire! {
    /// The `StopTaskRequest` shape.
    pub struct StopTaskRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `task` of the public model.
        task: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
    }

    /// The `StopTaskResponse` shape.
    pub struct StopTaskResponse {
        /// The `task` of the public model.
        task: Option<Task>,
    }

    /// The `DescribeTasksRequest` shape.
    pub struct DescribeTasksRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `tasks` of the public model.
        tasks: Vec<String>,
        /// The `include` of the public model.
        include: Vec<String>,
    }

    /// The `DescribeTasksResponse` shape.
    pub struct DescribeTasksResponse {
        /// The `tasks` of the public model.
        tasks: Vec<Task> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `ListTasksRequest` shape.
    pub struct ListTasksRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `family` of the public model.
        family: Option<String>,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
        /// The `maxResults` of the public model.
        max_results: Option<i64>,
        /// The `startedBy` of the public model.
        started_by: Option<String>,
        /// The `serviceName` of the public model.
        service_name: Option<String>,
        /// The `desiredStatus` of the public model.
        desired_status: Option<String>,
        /// The `launchType` of the public model.
        launch_type: Option<String>,
        /// The `daemonName` of the public model.
        daemon_name: Option<String>,
    }

    /// The `ListTasksResponse` shape.
    pub struct ListTasksResponse {
        /// The `taskArns` of the public model.
        task_arns: Vec<String> = sent,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
    }

    /// The `Task` shape.
    pub struct Task {
        /// The `attachments` of the public model.
        attachments: Vec<Attachment> = sent,
        /// The `attributes` of the public model.
        attributes: Vec<Attribute> = sent,
        /// The `availabilityZone` of the public model.
        availability_zone: Option<String>,
        /// The `capacityProviderName` of the public model.
        capacity_provider_name: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `connectivity` of the public model.
        connectivity: Option<String>,
        /// The `connectivityAt` of the public model.
        connectivity_at: Option<Timestamp>,
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `containers` of the public model.
        containers: Vec<Container> = sent,
        /// The `cpu` of the public model.
        cpu: Option<String>,
        /// The `createdAt` of the public model.
        created_at: Option<Timestamp>,
        /// The `desiredStatus` of the public model.
        desired_status: Option<String>,
        /// The `enableExecuteCommand` of the public model.
        enable_execute_command: Option<bool>,
        /// The `executionStoppedAt` of the public model.
        execution_stopped_at: Option<Timestamp>,
        /// The `group` of the public model.
        group: Option<String>,
        /// The `healthStatus` of the public model.
        health_status: Option<String>,
        /// The `inferenceAccelerators` of the public model.
        inference_accelerators: Vec<InferenceAccelerator> = sent,
        /// The `lastStatus` of the public model.
        last_status: Option<String>,
        /// The `launchType` of the public model.
        launch_type: Option<String>,
        /// The `memory` of the public model.
        memory: Option<String>,
        /// The `overrides` of the public model.
        overrides: Option<TaskOverride>,
        /// The `platformVersion` of the public model.
        platform_version: Option<String>,
        /// The `platformFamily` of the public model.
        platform_family: Option<String>,
        /// The `pullStartedAt` of the public model.
        pull_started_at: Option<Timestamp>,
        /// The `pullStoppedAt` of the public model.
        pull_stopped_at: Option<Timestamp>,
        /// The `startedAt` of the public model.
        started_at: Option<Timestamp>,
        /// The `startedBy` of the public model.
        started_by: Option<String>,
        /// The `stopCode` of the public model.
        stop_code: Option<String>,
        /// The `stoppedAt` of the public model.
        stopped_at: Option<Timestamp>,
        /// The `stoppedReason` of the public model.
        stopped_reason: Option<String>,
        /// The `stoppingAt` of the public model.
        stopping_at: Option<Timestamp>,
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `taskDefinitionArn` of the public model.
        task_definition_arn: Option<String>,
        /// The `version` of the public model.
        version: Option<i64>,
        /// The `ephemeralStorage` of the public model.
        ephemeral_storage: Option<EphemeralStorage>,
        /// The `fargateEphemeralStorage` of the public model.
        fargate_ephemeral_storage: Option<TaskEphemeralStorage>,
        /// The `trustedExecutionSummary` of the public model.
        trusted_execution_summary: Option<TrustedExecutionSummary>,
    }

    /// The `Container` shape.
    pub struct Container {
        /// The `containerArn` of the public model.
        container_arn: Option<String>,
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `name` of the public model.
        name: Option<String>,
        /// The `image` of the public model.
        image: Option<String>,
        /// The `imageDigest` of the public model.
        image_digest: Option<String>,
        /// The `runtimeId` of the public model.
        runtime_id: Option<String>,
        /// The `lastStatus` of the public model.
        last_status: Option<String>,
        /// The `exitCode` of the public model.
        exit_code: Option<i64>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `networkBindings` of the public model.
        network_bindings: Vec<NetworkBinding> = sent,
        /// The `networkInterfaces` of the public model.
        network_interfaces: Vec<NetworkInterface> = sent,
        /// The `healthStatus` of the public model.
        health_status: Option<String>,
        /// The `managedAgents` of the public model.
        managed_agents: Vec<ManagedAgent> = sent,
        /// The `cpu` of the public model.
        cpu: Option<String>,
        /// The `memory` of the public model.
        memory: Option<String>,
        /// The `memoryReservation` of the public model.
        memory_reservation: Option<String>,
        /// The `gpuIds` of the public model.
        gpu_ids: Vec<String> = sent,
        /// The `neuronDeviceIds` of the public model.
        neuron_device_ids: Vec<String> = sent,
        /// The `gpuSharingStrategy` of the public model.
        gpu_sharing_strategy: Option<SharingStrategy>,
    }

    /// The `NetworkInterface` shape.
    pub struct NetworkInterface {
        /// The `attachmentId` of the public model.
        attachment_id: Option<String>,
        /// The `privateIpv4Address` of the public model.
        private_ipv4_address: Option<String>,
        /// The `ipv6Address` of the public model.
        ipv6_address: Option<String>,
    }

    /// The `ManagedAgent` shape.
    pub struct ManagedAgent {
        /// The `lastStartedAt` of the public model.
        last_started_at: Option<Timestamp>,
        /// The `name` of the public model.
        name: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `lastStatus` of the public model.
        last_status: Option<String>,
    }

    /// The `TaskEphemeralStorage` shape.
    pub struct TaskEphemeralStorage {
        /// The `sizeInGiB` of the public model.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
        /// The `kmsKeyId` of the public model.
        kms_key_id: Option<String>,
    }

    /// The `TrustedExecutionSummary` shape.
    pub struct TrustedExecutionSummary {
        /// The `isolationMode` of the public model.
        isolation_mode: Option<String>,
        /// The `attestationPolicyStatus` of the public model.
        attestation_policy_status: Option<String>,
    }
}
