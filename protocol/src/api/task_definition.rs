//! Task definitions: register, deregister, describe, list, and what stands outside the containers.

use super::common::{Attribute, EphemeralStorage, InferenceAccelerator, KeyValuePair, Tag};
use super::container_definition::ContainerDefinition;
use super::volume::Volume;
use crate::Timestamp;

wire! {
    /// Input of [`RegisterTaskDefinition`](super::RegisterTaskDefinition).
    pub struct RegisterTaskDefinitionRequest {
        /// Family of the task definition.
        family: Option<String>,
        /// ARN of the role whose credentials the containers get.
        task_role_arn: Option<String>,
        /// ARN of the role the agent pulls images, reads secrets and writes logs with.
        execution_role_arn: Option<String>,
        /// Network mode: `bridge`, `host`, `awsvpc`, `none`.
        network_mode: Option<String>,
        /// The containers.
        container_definitions: Vec<ContainerDefinition>,
        /// Volumes that the containers mount.
        volumes: Vec<Volume>,
        /// Rules on where tasks may run, at most 10.
        placement_constraints: Vec<TaskDefinitionPlacementConstraint>,
        /// Launch types the definition must suit: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        requires_compatibilities: Vec<String>,
        /// Processor limit of the whole task in units or with `vCPU`, such as `256` or `0.25 vCPU`.
        cpu: Option<String>,
        /// Memory of the whole task in MiB or with a unit, such as `512` or `1 GB`.
        memory: Option<String>,
        /// Tags, at most 50.
        tags: Vec<Tag>,
        /// Process id namespace: `host` or `task`; absent is one per container.
        pid_mode: Option<String>,
        /// IPC namespace: `host`, `task` or `none`; absent is one per container.
        ipc_mode: Option<String>,
        /// App Mesh proxy of the task.
        proxy_configuration: Option<ProxyConfiguration>,
        /// Elastic Inference accelerators.
        inference_accelerators: Vec<InferenceAccelerator>,
        /// Local storage of a Fargate task.
        ephemeral_storage: Option<EphemeralStorage>,
        /// Operating system and processor architecture.
        runtime_platform: Option<RuntimePlatform>,
        /// Whether containers may call the fault injection endpoints.
        enable_fault_injection: Option<bool>,
        /// Isolation that the task asks for.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// Output of [`RegisterTaskDefinition`](super::RegisterTaskDefinition).
    pub struct RegisterTaskDefinitionResponse {
        /// The new revision.
        task_definition: Option<TaskDefinition>,
        /// Tags, at most 50.
        tags: Vec<Tag> = sent,
    }

    /// Input of [`DeregisterTaskDefinition`](super::DeregisterTaskDefinition).
    pub struct DeregisterTaskDefinitionRequest {
        /// Task definition as `family`, `family:revision` or ARN.
        task_definition: Option<String>,
    }

    /// Output of [`DeregisterTaskDefinition`](super::DeregisterTaskDefinition).
    pub struct DeregisterTaskDefinitionResponse {
        /// The revision, now `INACTIVE`.
        task_definition: Option<TaskDefinition>,
    }

    /// Input of [`DescribeTaskDefinition`](super::DescribeTaskDefinition).
    pub struct DescribeTaskDefinitionRequest {
        /// Task definition as `family`, `family:revision` or ARN.
        task_definition: Option<String>,
        /// What else to tell: `TAGS`.
        include: Vec<String>,
    }

    /// Output of [`DescribeTaskDefinition`](super::DescribeTaskDefinition).
    pub struct DescribeTaskDefinitionResponse {
        /// The task definition.
        task_definition: Option<TaskDefinition>,
        /// Tags of the task definition, when `TAGS` was included.
        tags: Vec<Tag> = sent,
    }

    /// Input of [`ListTaskDefinitions`](super::ListTaskDefinitions).
    pub struct ListTaskDefinitionsRequest {
        /// Lists only definitions of this family.
        family_prefix: Option<String>,
        /// Lists only definitions of this status: `ACTIVE`, `INACTIVE`, `DELETE_IN_PROGRESS`.
        status: Option<String>,
        /// Order: `ASC`, `DESC`.
        sort: Option<String>,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
        /// Most results a page may hold, 1 to 100.
        max_results: Option<i64>,
    }

    /// Output of [`ListTaskDefinitions`](super::ListTaskDefinitions).
    pub struct ListTaskDefinitionsResponse {
        /// ARNs, sorted.
        task_definition_arns: Vec<String> = sent,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
    }

    /// A revision of a task definition.
    pub struct TaskDefinition {
        /// ARN of the task definition.
        task_definition_arn: Option<String>,
        /// The containers.
        container_definitions: Vec<ContainerDefinition> = sent,
        /// Family of the task definition.
        family: Option<String>,
        /// ARN of the role whose credentials the containers get.
        task_role_arn: Option<String>,
        /// ARN of the role the agent pulls images, reads secrets and writes logs with.
        execution_role_arn: Option<String>,
        /// Network mode: `bridge`, `host`, `awsvpc`, `none`.
        network_mode: Option<String>,
        /// Revision, counting from 1 in each family.
        revision: Option<i64>,
        /// Volumes that the containers mount.
        volumes: Vec<Volume> = sent,
        /// Status: `ACTIVE`, `INACTIVE`, `DELETE_IN_PROGRESS`.
        status: Option<String>,
        /// Attributes an instance must have to run this.
        requires_attributes: Vec<Attribute> = sent,
        /// Rules on where tasks may run, at most 10.
        placement_constraints: Vec<TaskDefinitionPlacementConstraint> = sent,
        /// Launch types the definition suits: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        compatibilities: Vec<String> = sent,
        /// Operating system and processor architecture.
        runtime_platform: Option<RuntimePlatform>,
        /// Launch types the definition must suit: `EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`.
        requires_compatibilities: Vec<String> = sent,
        /// Processor limit of the whole task in units of 1/1024 processor, as a decimal string.
        cpu: Option<String>,
        /// Memory of the whole task in MiB, as a decimal string.
        memory: Option<String>,
        /// Elastic Inference accelerators.
        inference_accelerators: Vec<InferenceAccelerator> = sent,
        /// Process id namespace: `host` or `task`; absent is one per container.
        pid_mode: Option<String>,
        /// IPC namespace: `host`, `task` or `none`; absent is one per container.
        ipc_mode: Option<String>,
        /// App Mesh proxy of the task.
        proxy_configuration: Option<ProxyConfiguration>,
        /// When it was registered.
        registered_at: Option<Timestamp>,
        /// When it was deregistered.
        deregistered_at: Option<Timestamp>,
        /// When its deletion was asked for.
        delete_requested_at: Option<Timestamp>,
        /// Who registered it.
        registered_by: Option<String>,
        /// Local storage of a Fargate task.
        ephemeral_storage: Option<EphemeralStorage>,
        /// Whether containers may call the fault injection endpoints.
        enable_fault_injection: Option<bool>,
        /// Isolation that the task asks for.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// A rule on where tasks of a definition may run.
    pub struct TaskDefinitionPlacementConstraint {
        /// Kind of constraint: `memberOf`.
        r#type: Option<String>,
        /// Cluster query language expression.
        expression: Option<String>,
    }

    /// Operating system and processor architecture of a task.
    pub struct RuntimePlatform {
        /// Processor architecture: `X86_64`, `ARM64`.
        cpu_architecture: Option<String>,
        /// Operating system: `LINUX` or a `WINDOWS_SERVER_…`.
        operating_system_family: Option<String>,
    }

    /// The App Mesh proxy of a task.
    pub struct ProxyConfiguration {
        /// Kind of proxy: `APPMESH`.
        r#type: Option<String>,
        /// Name of the proxy's container.
        container_name: Option<String>,
        /// Properties, such as `ProxyIngressPort` or `AppPorts`.
        properties: Vec<KeyValuePair>,
    }

    /// Isolation that a task asks for.
    pub struct TrustedExecutionConfiguration {
        /// Isolation: `SHARED`, `ISOLATED_SANDBOX`, `CONFIDENTIAL_SANDBOX`.
        isolation_mode: Option<String>,
        /// Policy for attestation.
        attestation_policy: Option<String>,
    }
}
