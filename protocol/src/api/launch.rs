//! Launching: RunTask and StartTask with their overrides, placement, network and volume configuration.

use super::cluster::CapacityProviderStrategyItem;
use super::common::{EphemeralStorage, Failure, KeyValuePair, Tag};
use super::container_definition::{EnvironmentFile, ResourceRequirement};
use super::task::Task;

wire! {
    /// Input of [`RunTask`](super::RunTask).
    pub struct RunTaskRequest {
        /// Capacity providers and their shares.
        capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Number of tasks to launch, 1 to 10; absent is 1.
        count: Option<i64>,
        /// Whether ECS adds its own tags.
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: Option<bool>,
        /// Whether commands may be run in the containers.
        enable_execute_command: Option<bool>,
        /// Group of the task, such as `family:web` or `service:web`.
        group: Option<String>,
        /// Launch type: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        launch_type: Option<String>,
        /// Subnets and security groups, for network mode `awsvpc`.
        network_configuration: Option<NetworkConfiguration>,
        /// What this launch does otherwise than the task definition.
        overrides: Option<TaskOverride>,
        /// Rules on where tasks may run, at most 10.
        placement_constraints: Vec<PlacementConstraint>,
        /// How tasks are spread, at most 5 rules.
        placement_strategy: Vec<PlacementStrategy>,
        /// Fargate platform version.
        platform_version: Option<String>,
        /// Where tags are copied from: `TASK_DEFINITION`, `SERVICE`, `NONE`.
        propagate_tags: Option<String>,
        /// Reference of the caller.
        reference_id: Option<String>,
        /// Who started the task, at most 128 characters; ids of deployments go here.
        started_by: Option<String>,
        /// Tags, at most 50.
        tags: Vec<Tag>,
        /// Task definition as `family`, `family:revision` or ARN.
        task_definition: Option<String>,
        /// Makes the call idempotent.
        client_token: Option<String>,
        /// EBS volumes for volumes that are configured at launch.
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    /// Output of [`RunTask`](super::RunTask).
    pub struct RunTaskResponse {
        /// The tasks.
        tasks: Vec<Task> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// Input of [`StartTask`](super::StartTask).
    pub struct StartTaskRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Where to start one task each: ids or ARNs, at most 10.
        container_instances: Vec<String>,
        /// Whether ECS adds its own tags.
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: Option<bool>,
        /// Whether commands may be run in the containers.
        enable_execute_command: Option<bool>,
        /// Group of the task, such as `family:web` or `service:web`.
        group: Option<String>,
        /// Subnets and security groups, for network mode `awsvpc`.
        network_configuration: Option<NetworkConfiguration>,
        /// What this launch does otherwise than the task definition.
        overrides: Option<TaskOverride>,
        /// Where tags are copied from: `TASK_DEFINITION`, `SERVICE`, `NONE`.
        propagate_tags: Option<String>,
        /// Reference of the caller.
        reference_id: Option<String>,
        /// Who started the task, at most 128 characters; ids of deployments go here.
        started_by: Option<String>,
        /// Tags, at most 50.
        tags: Vec<Tag>,
        /// Task definition as `family`, `family:revision` or ARN.
        task_definition: Option<String>,
        /// EBS volumes for volumes that are configured at launch.
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    /// Output of [`StartTask`](super::StartTask).
    pub struct StartTaskResponse {
        /// The tasks.
        tasks: Vec<Task> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// What a launch does otherwise than the task definition.
    pub struct TaskOverride {
        /// Overrides of single containers.
        container_overrides: Vec<ContainerOverride> = sent,
        /// Processor limit of the whole task in units of 1/1024 processor, as a decimal string.
        cpu: Option<String>,
        /// Overrides of the accelerators.
        inference_accelerator_overrides: Vec<InferenceAcceleratorOverride> = sent,
        /// ARN of the role the agent pulls images, reads secrets and writes logs with.
        execution_role_arn: Option<String>,
        /// Memory of the whole task in MiB, as a decimal string.
        memory: Option<String>,
        /// ARN of the role whose credentials the containers get.
        task_role_arn: Option<String>,
        /// Local storage of a Fargate task.
        ephemeral_storage: Option<EphemeralStorage>,
    }

    /// What a launch does otherwise with one container.
    pub struct ContainerOverride {
        /// Name of the container that is overridden.
        name: Option<String>,
        /// Arguments to the entry point.
        command: Vec<String>,
        /// Variables.
        environment: Vec<KeyValuePair>,
        /// Files with variables, at most 10.
        environment_files: Vec<EnvironmentFile>,
        /// Processor share in units of 1/1024 processor.
        cpu: Option<i64>,
        /// Hard memory limit in MiB.
        memory: Option<i64>,
        /// Soft memory limit in MiB.
        memory_reservation: Option<i64>,
        /// GPUs and accelerators.
        resource_requirements: Vec<ResourceRequirement>,
    }

    /// What a launch changes of an accelerator.
    pub struct InferenceAcceleratorOverride {
        /// Name of the device.
        device_name: Option<String>,
        /// Type of the accelerator.
        device_type: Option<String>,
    }

    /// Network of a task in mode `awsvpc`.
    pub struct NetworkConfiguration {
        /// Subnets and security groups.
        awsvpc_configuration: Option<AwsVpcConfiguration>,
    }

    /// Subnets and security groups of a task.
    pub struct AwsVpcConfiguration {
        /// Ids of the subnets, at most 16.
        subnets: Vec<String>,
        /// Ids of the security groups, at most 5.
        security_groups: Vec<String>,
        /// Whether the interface gets a public address: `ENABLED`, `DISABLED`.
        assign_public_ip: Option<String>,
    }

    /// A rule on where tasks may run.
    pub struct PlacementConstraint {
        /// Kind of constraint: `distinctInstance`, `memberOf`.
        r#type: Option<String>,
        /// Cluster query language expression.
        expression: Option<String>,
    }

    /// A rule on how tasks are spread.
    pub struct PlacementStrategy {
        /// Kind of strategy: `random`, `spread`, `binpack`.
        r#type: Option<String>,
        /// What to spread over or pack by, such as `instanceId` or `memory`.
        field: Option<String>,
    }

    /// Configuration of a volume at launch.
    pub struct TaskVolumeConfiguration {
        /// Name of the task definition's volume.
        name: Option<String>,
        /// The EBS volume to make.
        #[serde(rename = "managedEBSVolume")]
        managed_ebs_volume: Option<TaskManagedEBSVolumeConfiguration>,
    }

    /// The EBS volume to make for a task.
    pub struct TaskManagedEBSVolumeConfiguration {
        /// Whether the volume is encrypted.
        encrypted: Option<bool>,
        /// Id of the encryption key.
        kms_key_id: Option<String>,
        /// Type of the EBS volume, such as `gp3`.
        volume_type: Option<String>,
        /// Size in GiB.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
        /// Id of the snapshot the volume is made from.
        snapshot_id: Option<String>,
        /// Rate at which the snapshot is fetched, in MiB/s.
        volume_initialization_rate: Option<i64>,
        /// I/O operations per second.
        iops: Option<i64>,
        /// Throughput of the volume in MiB/s.
        throughput: Option<i64>,
        /// Tags for the volume.
        tag_specifications: Vec<EBSTagSpecification>,
        /// ARN of the role.
        role_arn: Option<String>,
        /// What becomes of the volume when the task ends.
        termination_policy: Option<TaskManagedEBSVolumeTerminationPolicy>,
        /// File system of the volume: `ext3`, `ext4`, `xfs`, `ntfs`.
        filesystem_type: Option<String>,
    }

    /// What becomes of a task's EBS volume.
    pub struct TaskManagedEBSVolumeTerminationPolicy {
        /// Whether the volume is deleted with the task.
        delete_on_termination: Option<bool>,
    }

    /// Tags for a task's EBS volume.
    pub struct EBSTagSpecification {
        /// Kind of resource: `volume`.
        resource_type: Option<String>,
        /// Tags for the volume.
        tags: Vec<Tag>,
        /// Where tags are copied from: `TASK_DEFINITION`, `SERVICE`, `NONE`.
        propagate_tags: Option<String>,
    }
}
