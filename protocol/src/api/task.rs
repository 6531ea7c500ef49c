//! Tasks: RunTask, StartTask, StopTask, DescribeTasks, ListTasks, and what a task looks like.

use super::common::{
    Attachment, Attribute, EphemeralStorage, Failure, InferenceAccelerator, NetworkBinding, Tag,
};
use super::container_definition::SharingStrategy;
use super::launch::TaskOverride;
use crate::Timestamp;

wire! {
    /// Input of [`StopTask`](super::StopTask).
    pub struct StopTaskRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Task, by id or ARN.
        task: Option<String>,
        /// Why the task is stopped; becomes its `stoppedReason`.
        reason: Option<String>,
    }

    /// Output of [`StopTask`](super::StopTask).
    pub struct StopTaskResponse {
        /// The task, which may still be stopping.
        task: Option<Task>,
    }

    /// Input of [`DescribeTasks`](super::DescribeTasks).
    pub struct DescribeTasksRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Ids or ARNs, at most 100.
        tasks: Vec<String>,
        /// What else to tell: `TAGS`.
        include: Vec<String>,
    }

    /// Output of [`DescribeTasks`](super::DescribeTasks).
    pub struct DescribeTasksResponse {
        /// The tasks.
        tasks: Vec<Task> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// Input of [`ListTasks`](super::ListTasks).
    pub struct ListTasksRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Container instance, by id or ARN.
        container_instance: Option<String>,
        /// Lists only tasks of this task definition family.
        family: Option<String>,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
        /// Most results a page may hold, 1 to 100.
        max_results: Option<i64>,
        /// Lists only tasks with this `startedBy`.
        started_by: Option<String>,
        /// Lists only tasks of this service.
        service_name: Option<String>,
        /// Lists only tasks with this desired status: `RUNNING`, `PENDING`, `STOPPED`.
        desired_status: Option<String>,
        /// Lists only tasks of this launch type: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        launch_type: Option<String>,
        /// Lists only tasks of this daemon.
        daemon_name: Option<String>,
    }

    /// Output of [`ListTasks`](super::ListTasks).
    pub struct ListTasksResponse {
        /// ARNs of the tasks.
        task_arns: Vec<String> = sent,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
    }

    /// A task as the API describes it.
    pub struct Task {
        /// Network interfaces and volumes of the task.
        attachments: Vec<Attachment> = sent,
        /// Attributes.
        attributes: Vec<Attribute> = sent,
        /// Availability zone.
        availability_zone: Option<String>,
        /// Name of the capacity provider.
        capacity_provider_name: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Whether the agent is connected: `CONNECTED`, `DISCONNECTED`.
        connectivity: Option<String>,
        /// When the agent last connected.
        connectivity_at: Option<Timestamp>,
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// The containers.
        containers: Vec<Container> = sent,
        /// Processor limit of the whole task in units of 1/1024 processor, as a decimal string.
        cpu: Option<String>,
        /// When the task was created.
        created_at: Option<Timestamp>,
        /// `RUNNING` or `STOPPED`.
        desired_status: Option<String>,
        /// Whether commands may be run in the containers.
        enable_execute_command: Option<bool>,
        /// When the first essential container stopped.
        execution_stopped_at: Option<Timestamp>,
        /// Group of the task, such as `family:web` or `service:web`.
        group: Option<String>,
        /// Health: `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
        health_status: Option<String>,
        /// Elastic Inference accelerators.
        inference_accelerators: Vec<InferenceAccelerator> = sent,
        /// `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`
        /// or `STOPPED`.
        last_status: Option<String>,
        /// Launch type: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        launch_type: Option<String>,
        /// Memory of the whole task in MiB, as a decimal string.
        memory: Option<String>,
        /// What this launch did otherwise than the task definition.
        overrides: Option<TaskOverride>,
        /// Fargate platform version.
        platform_version: Option<String>,
        /// Operating system of a Fargate task.
        platform_family: Option<String>,
        /// When the first image pull began.
        pull_started_at: Option<Timestamp>,
        /// When the last image pull ended.
        pull_stopped_at: Option<Timestamp>,
        /// When the task became `RUNNING`.
        started_at: Option<Timestamp>,
        /// Who started the task, at most 128 characters; ids of deployments go here.
        started_by: Option<String>,
        /// Why the task stopped: `TaskFailedToStart`, `EssentialContainerExited`, `UserInitiated`,
        /// `ServiceSchedulerInitiated`, `SpotInterruption`, `TerminationNotice`, `InfrastructureHealth`.
        stop_code: Option<String>,
        /// When the task became `STOPPED`.
        stopped_at: Option<Timestamp>,
        /// Why the task stopped, in words.
        stopped_reason: Option<String>,
        /// When the task was asked to stop.
        stopping_at: Option<Timestamp>,
        /// Tags, at most 50.
        tags: Vec<Tag> = sent,
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the task definition.
        task_definition_arn: Option<String>,
        /// Counter that grows with every change.
        version: Option<i64>,
        /// Local storage of a Fargate task.
        ephemeral_storage: Option<EphemeralStorage>,
        /// Local storage of a Fargate task.
        fargate_ephemeral_storage: Option<TaskEphemeralStorage>,
        /// Isolation that the task got.
        trusted_execution_summary: Option<TrustedExecutionSummary>,
    }

    /// A container as the API describes it.
    pub struct Container {
        /// ARN of the container.
        container_arn: Option<String>,
        /// ARN of the task.
        task_arn: Option<String>,
        /// Name, unique among its siblings.
        name: Option<String>,
        /// Image reference.
        image: Option<String>,
        /// Digest the image's tag was resolved to.
        image_digest: Option<String>,
        /// Id of the container in the runtime, at most 255 characters.
        runtime_id: Option<String>,
        /// `PENDING`, `RUNNING` or `STOPPED`.
        last_status: Option<String>,
        /// Exit code of the container's process; absent when unknown.
        exit_code: Option<i64>,
        /// Why the container stopped, when that needs saying.
        reason: Option<String>,
        /// Ports published on the host.
        network_bindings: Vec<NetworkBinding> = sent,
        /// Addresses of the container.
        network_interfaces: Vec<NetworkInterface> = sent,
        /// Health: `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
        health_status: Option<String>,
        /// Agents that run inside the container, such as that of ECS Exec.
        managed_agents: Vec<ManagedAgent> = sent,
        /// Processor share in units of 1/1024 processor, as a decimal string.
        cpu: Option<String>,
        /// Hard memory limit in MiB, as a decimal string.
        memory: Option<String>,
        /// Soft memory limit in MiB, as a decimal string.
        memory_reservation: Option<String>,
        /// UUIDs of the GPUs.
        gpu_ids: Vec<String> = sent,
        /// Ids of the Neuron devices.
        neuron_device_ids: Vec<String> = sent,
        /// How the GPU is shared.
        gpu_sharing_strategy: Option<SharingStrategy>,
    }

    /// Addresses of a container.
    pub struct NetworkInterface {
        /// Id of the attachment.
        attachment_id: Option<String>,
        /// Private IPv4 address.
        private_ipv4_address: Option<String>,
        /// IPv6 address.
        ipv6_address: Option<String>,
    }

    /// An agent that runs inside a container, and how it is.
    pub struct ManagedAgent {
        /// When it was last started.
        last_started_at: Option<Timestamp>,
        /// Name of the managed agent: `ExecuteCommandAgent`.
        name: Option<String>,
        /// Why, in words.
        reason: Option<String>,
        /// `PENDING`, `RUNNING` or `STOPPED`.
        last_status: Option<String>,
    }

    /// Local storage of a Fargate task and its encryption key.
    pub struct TaskEphemeralStorage {
        /// Size in GiB.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
        /// Id of the encryption key.
        kms_key_id: Option<String>,
    }

    /// Isolation that a task got.
    pub struct TrustedExecutionSummary {
        /// Isolation: `SHARED`, `ISOLATED_SANDBOX`, `CONFIDENTIAL_SANDBOX`.
        isolation_mode: Option<String>,
        /// Whether a policy is set: `CONFIGURED`.
        attestation_policy_status: Option<String>,
    }
}
