//! Task definitions: register, deregister, describe, list, and what stands outside the containers.

use super::common::{Attribute, EphemeralStorage, InferenceAccelerator, KeyValuePair, Tag};
use super::container_definition::ContainerDefinition;
use super::volume::Volume;
use crate::Timestamp;

wire! {
    /// The `RegisterTaskDefinitionRequest` shape.
    pub struct RegisterTaskDefinitionRequest {
        /// The `family` of the public model.
        family: Option<String>,
        /// The `taskRoleArn` of the public model.
        task_role_arn: Option<String>,
        /// The `executionRoleArn` of the public model.
        execution_role_arn: Option<String>,
        /// The `networkMode` of the public model.
        network_mode: Option<String>,
        /// The `containerDefinitions` of the public model.
        container_definitions: Vec<ContainerDefinition>,
        /// The `volumes` of the public model.
        volumes: Vec<Volume>,
        /// The `placementConstraints` of the public model.
        placement_constraints: Vec<TaskDefinitionPlacementConstraint>,
        /// The `requiresCompatibilities` of the public model.
        requires_compatibilities: Vec<String>,
        /// The `cpu` of the public model.
        cpu: Option<String>,
        /// The `memory` of the public model.
        memory: Option<String>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `pidMode` of the public model.
        pid_mode: Option<String>,
        /// The `ipcMode` of the public model.
        ipc_mode: Option<String>,
        /// The `proxyConfiguration` of the public model.
        proxy_configuration: Option<ProxyConfiguration>,
        /// The `inferenceAccelerators` of the public model.
        inference_accelerators: Vec<InferenceAccelerator>,
        /// The `ephemeralStorage` of the public model.
        ephemeral_storage: Option<EphemeralStorage>,
        /// The `runtimePlatform` of the public model.
        runtime_platform: Option<RuntimePlatform>,
        /// The `enableFaultInjection` of the public model.
        enable_fault_injection: Option<bool>,
        /// The `trustedExecutionConfiguration` of the public model.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// The `RegisterTaskDefinitionResponse` shape.
    pub struct RegisterTaskDefinitionResponse {
        /// The `taskDefinition` of the public model.
        task_definition: Option<TaskDefinition>,
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
    }

    /// The `DeregisterTaskDefinitionRequest` shape.
    pub struct DeregisterTaskDefinitionRequest {
        /// The `taskDefinition` of the public model.
        task_definition: Option<String>,
    }

    /// The `DeregisterTaskDefinitionResponse` shape.
    pub struct DeregisterTaskDefinitionResponse {
        /// The `taskDefinition` of the public model.
        task_definition: Option<TaskDefinition>,
    }

    /// The `DescribeTaskDefinitionRequest` shape.
    pub struct DescribeTaskDefinitionRequest {
        /// The `taskDefinition` of the public model.
        task_definition: Option<String>,
        /// The `include` of the public model.
        include: Vec<String>,
    }

    /// The `DescribeTaskDefinitionResponse` shape.
    pub struct DescribeTaskDefinitionResponse {
        /// The `taskDefinition` of the public model.
        task_definition: Option<TaskDefinition>,
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
    }

    /// The `ListTaskDefinitionsRequest` shape.
    pub struct ListTaskDefinitionsRequest {
        /// The `familyPrefix` of the public model.
        family_prefix: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `sort` of the public model.
        sort: Option<String>,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
        /// The `maxResults` of the public model.
        max_results: Option<i64>,
    }

    /// The `ListTaskDefinitionsResponse` shape.
    pub struct ListTaskDefinitionsResponse {
        /// The `taskDefinitionArns` of the public model.
        task_definition_arns: Vec<String> = sent,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
    }

    /// The `TaskDefinition` shape.
    pub struct TaskDefinition {
        /// The `taskDefinitionArn` of the public model.
        task_definition_arn: Option<String>,
        /// The `containerDefinitions` of the public model.
        container_definitions: Vec<ContainerDefinition> = sent,
        /// The `family` of the public model.
        family: Option<String>,
        /// The `taskRoleArn` of the public model.
        task_role_arn: Option<String>,
        /// The `executionRoleArn` of the public model.
        execution_role_arn: Option<String>,
        /// The `networkMode` of the public model.
        network_mode: Option<String>,
        /// The `revision` of the public model.
        revision: Option<i64>,
        /// The `volumes` of the public model.
        volumes: Vec<Volume> = sent,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `requiresAttributes` of the public model.
        requires_attributes: Vec<Attribute> = sent,
        /// The `placementConstraints` of the public model.
        placement_constraints: Vec<TaskDefinitionPlacementConstraint> = sent,
        /// The `compatibilities` of the public model.
        compatibilities: Vec<String> = sent,
        /// The `runtimePlatform` of the public model.
        runtime_platform: Option<RuntimePlatform>,
        /// The `requiresCompatibilities` of the public model.
        requires_compatibilities: Vec<String> = sent,
        /// The `cpu` of the public model.
        cpu: Option<String>,
        /// The `memory` of the public model.
        memory: Option<String>,
        /// The `inferenceAccelerators` of the public model.
        inference_accelerators: Vec<InferenceAccelerator> = sent,
        /// The `pidMode` of the public model.
        pid_mode: Option<String>,
        /// The `ipcMode` of the public model.
        ipc_mode: Option<String>,
        /// The `proxyConfiguration` of the public model.
        proxy_configuration: Option<ProxyConfiguration>,
        /// The `registeredAt` of the public model.
        registered_at: Option<Timestamp>,
        /// The `deregisteredAt` of the public model.
        deregistered_at: Option<Timestamp>,
        /// The `deleteRequestedAt` of the public model.
        delete_requested_at: Option<Timestamp>,
        /// The `registeredBy` of the public model.
        registered_by: Option<String>,
        /// The `ephemeralStorage` of the public model.
        ephemeral_storage: Option<EphemeralStorage>,
        /// The `enableFaultInjection` of the public model.
        enable_fault_injection: Option<bool>,
        /// The `trustedExecutionConfiguration` of the public model.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// The `TaskDefinitionPlacementConstraint` shape.
    pub struct TaskDefinitionPlacementConstraint {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `expression` of the public model.
        expression: Option<String>,
    }

    /// The `RuntimePlatform` shape.
    pub struct RuntimePlatform {
        /// The `cpuArchitecture` of the public model.
        cpu_architecture: Option<String>,
        /// The `operatingSystemFamily` of the public model.
        operating_system_family: Option<String>,
    }

    /// The `ProxyConfiguration` shape.
    pub struct ProxyConfiguration {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `properties` of the public model.
        properties: Vec<KeyValuePair>,
    }

    /// The `TrustedExecutionConfiguration` shape.
    pub struct TrustedExecutionConfiguration {
        /// The `isolationMode` of the public model.
        isolation_mode: Option<String>,
        /// The `attestationPolicy` of the public model.
        attestation_policy: Option<String>,
    }
}
