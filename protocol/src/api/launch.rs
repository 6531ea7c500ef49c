//! Launching: RunTask and StartTask with their overrides, placement, network and volume configuration.

use super::cluster::CapacityProviderStrategyItem;
use super::common::{EphemeralStorage, Failure, KeyValuePair, Tag};
use super::container_definition::{EnvironmentFile, ResourceRequirement};
use super::task::Task;

wire! {
    /// The `RunTaskRequest` shape.
    pub struct RunTaskRequest {
        /// The `capacityProviderStrategy` of the public model.
        capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `count` of the public model.
        count: Option<i64>,
        /// The `enableECSManagedTags` of the public model.
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: Option<bool>,
        /// The `enableExecuteCommand` of the public model.
        enable_execute_command: Option<bool>,
        /// The `group` of the public model.
        group: Option<String>,
        /// The `launchType` of the public model.
        launch_type: Option<String>,
        /// The `networkConfiguration` of the public model.
        network_configuration: Option<NetworkConfiguration>,
        /// The `overrides` of the public model.
        overrides: Option<TaskOverride>,
        /// The `placementConstraints` of the public model.
        placement_constraints: Vec<PlacementConstraint>,
        /// The `placementStrategy` of the public model.
        placement_strategy: Vec<PlacementStrategy>,
        /// The `platformVersion` of the public model.
        platform_version: Option<String>,
        /// The `propagateTags` of the public model.
        propagate_tags: Option<String>,
        /// The `referenceId` of the public model.
        reference_id: Option<String>,
        /// The `startedBy` of the public model.
        started_by: Option<String>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `taskDefinition` of the public model.
        task_definition: Option<String>,
        /// The `clientToken` of the public model.
        client_token: Option<String>,
        /// The `volumeConfigurations` of the public model.
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    /// The `RunTaskResponse` shape.
    pub struct RunTaskResponse {
        /// The `tasks` of the public model.
        tasks: Vec<Task> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `StartTaskRequest` shape.
    pub struct StartTaskRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstances` of the public model.
        container_instances: Vec<String>,
        /// The `enableECSManagedTags` of the public model.
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: Option<bool>,
        /// The `enableExecuteCommand` of the public model.
        enable_execute_command: Option<bool>,
        /// The `group` of the public model.
        group: Option<String>,
        /// The `networkConfiguration` of the public model.
        network_configuration: Option<NetworkConfiguration>,
        /// The `overrides` of the public model.
        overrides: Option<TaskOverride>,
        /// The `propagateTags` of the public model.
        propagate_tags: Option<String>,
        /// The `referenceId` of the public model.
        reference_id: Option<String>,
        /// The `startedBy` of the public model.
        started_by: Option<String>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `taskDefinition` of the public model.
        task_definition: Option<String>,
        /// The `volumeConfigurations` of the public model.
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    /// The `StartTaskResponse` shape.
    pub struct StartTaskResponse {
        /// The `tasks` of the public model.
        tasks: Vec<Task> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `TaskOverride` shape.
    pub struct TaskOverride {
        /// The `containerOverrides` of the public model.
        container_overrides: Vec<ContainerOverride> = sent,
        /// The `cpu` of the public model.
        cpu: Option<String>,
        /// The `inferenceAcceleratorOverrides` of the public model.
        inference_accelerator_overrides: Vec<InferenceAcceleratorOverride> = sent,
        /// The `executionRoleArn` of the public model.
        execution_role_arn: Option<String>,
        /// The `memory` of the public model.
        memory: Option<String>,
        /// The `taskRoleArn` of the public model.
        task_role_arn: Option<String>,
        /// The `ephemeralStorage` of the public model.
        ephemeral_storage: Option<EphemeralStorage>,
    }

    /// The `ContainerOverride` shape.
    pub struct ContainerOverride {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `command` of the public model.
        command: Vec<String>,
        /// The `environment` of the public model.
        environment: Vec<KeyValuePair>,
        /// The `environmentFiles` of the public model.
        environment_files: Vec<EnvironmentFile>,
        /// The `cpu` of the public model.
        cpu: Option<i64>,
        /// The `memory` of the public model.
        memory: Option<i64>,
        /// The `memoryReservation` of the public model.
        memory_reservation: Option<i64>,
        /// The `resourceRequirements` of the public model.
        resource_requirements: Vec<ResourceRequirement>,
    }

    /// The `InferenceAcceleratorOverride` shape.
    pub struct InferenceAcceleratorOverride {
        /// The `deviceName` of the public model.
        device_name: Option<String>,
        /// The `deviceType` of the public model.
        device_type: Option<String>,
    }

    /// The `NetworkConfiguration` shape.
    pub struct NetworkConfiguration {
        /// The `awsvpcConfiguration` of the public model.
        awsvpc_configuration: Option<AwsVpcConfiguration>,
    }

    /// The `AwsVpcConfiguration` shape.
    pub struct AwsVpcConfiguration {
        /// The `subnets` of the public model.
        subnets: Vec<String>,
        /// The `securityGroups` of the public model.
        security_groups: Vec<String>,
        /// The `assignPublicIp` of the public model.
        assign_public_ip: Option<String>,
    }

    /// The `PlacementConstraint` shape.
    pub struct PlacementConstraint {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `expression` of the public model.
        expression: Option<String>,
    }

    /// The `PlacementStrategy` shape.
    pub struct PlacementStrategy {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `field` of the public model.
        field: Option<String>,
    }

    /// The `TaskVolumeConfiguration` shape.
    pub struct TaskVolumeConfiguration {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `managedEBSVolume` of the public model.
        #[serde(rename = "managedEBSVolume")]
        managed_ebs_volume: Option<TaskManagedEBSVolumeConfiguration>,
    }

    /// The `TaskManagedEBSVolumeConfiguration` shape.
    pub struct TaskManagedEBSVolumeConfiguration {
        /// The `encrypted` of the public model.
        encrypted: Option<bool>,
        /// The `kmsKeyId` of the public model.
        kms_key_id: Option<String>,
        /// The `volumeType` of the public model.
        volume_type: Option<String>,
        /// The `sizeInGiB` of the public model.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
        /// The `snapshotId` of the public model.
        snapshot_id: Option<String>,
        /// The `volumeInitializationRate` of the public model.
        volume_initialization_rate: Option<i64>,
        /// The `iops` of the public model.
        iops: Option<i64>,
        /// The `throughput` of the public model.
        throughput: Option<i64>,
        /// The `tagSpecifications` of the public model.
        tag_specifications: Vec<EBSTagSpecification>,
        /// The `roleArn` of the public model.
        role_arn: Option<String>,
        /// The `terminationPolicy` of the public model.
        termination_policy: Option<TaskManagedEBSVolumeTerminationPolicy>,
        /// The `filesystemType` of the public model.
        filesystem_type: Option<String>,
    }

    /// The `TaskManagedEBSVolumeTerminationPolicy` shape.
    pub struct TaskManagedEBSVolumeTerminationPolicy {
        /// The `deleteOnTermination` of the public model.
        delete_on_termination: Option<bool>,
    }

    /// The `EBSTagSpecification` shape.
    pub struct EBSTagSpecification {
        /// The `resourceType` of the public model.
        resource_type: Option<String>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `propagateTags` of the public model.
        propagate_tags: Option<String>,
    }
}
