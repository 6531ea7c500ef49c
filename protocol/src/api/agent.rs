//! What only an agent calls: DiscoverPollEndpoint and the three Submit operations (spec 2.4 to 2.7).

use super::common::NetworkBinding;
use crate::Timestamp;

wire! {
    /// The `DiscoverPollEndpointRequest` shape.
    pub struct DiscoverPollEndpointRequest {
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `zoneId` of the public model.
        zone_id: Option<String>,
    }

    /// The `DiscoverPollEndpointResponse` shape.
    pub struct DiscoverPollEndpointResponse {
        /// The `endpoint` of the public model.
        endpoint: Option<String>,
        /// The `telemetryEndpoint` of the public model.
        telemetry_endpoint: Option<String>,
        /// The `serviceConnectEndpoint` of the public model.
        service_connect_endpoint: Option<String>,
        /// The `systemLogsEndpoint` of the public model.
        system_logs_endpoint: Option<String>,
    }

    /// The `SubmitTaskStateChangeRequest` shape.
    pub struct SubmitTaskStateChangeRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `task` of the public model.
        task: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `containers` of the public model.
        containers: Vec<ContainerStateChange>,
        /// The `attachments` of the public model.
        attachments: Vec<AttachmentStateChange>,
        /// The `managedAgents` of the public model.
        managed_agents: Vec<ManagedAgentStateChange>,
        /// The `pullStartedAt` of the public model.
        pull_started_at: Option<Timestamp>,
        /// The `pullStoppedAt` of the public model.
        pull_stopped_at: Option<Timestamp>,
        /// The `executionStoppedAt` of the public model.
        execution_stopped_at: Option<Timestamp>,
    }

    /// The `SubmitTaskStateChangeResponse` shape.
    pub struct SubmitTaskStateChangeResponse {
        /// The `acknowledgment` of the public model.
        acknowledgment: Option<String>,
    }

    /// The `ContainerStateChange` shape.
    pub struct ContainerStateChange {
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `imageDigest` of the public model.
        image_digest: Option<String>,
        /// The `runtimeId` of the public model.
        runtime_id: Option<String>,
        /// The `exitCode` of the public model.
        exit_code: Option<i64>,
        /// The `networkBindings` of the public model.
        network_bindings: Vec<NetworkBinding>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
    }

    /// The `AttachmentStateChange` shape.
    pub struct AttachmentStateChange {
        /// The `attachmentArn` of the public model.
        attachment_arn: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
    }

    /// The `ManagedAgentStateChange` shape.
    pub struct ManagedAgentStateChange {
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `managedAgentName` of the public model.
        managed_agent_name: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
    }

    /// The `SubmitContainerStateChangeRequest` shape.
    pub struct SubmitContainerStateChangeRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `task` of the public model.
        task: Option<String>,
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `runtimeId` of the public model.
        runtime_id: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `exitCode` of the public model.
        exit_code: Option<i64>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `networkBindings` of the public model.
        network_bindings: Vec<NetworkBinding>,
    }

    /// The `SubmitContainerStateChangeResponse` shape.
    pub struct SubmitContainerStateChangeResponse {
        /// The `acknowledgment` of the public model.
        acknowledgment: Option<String>,
    }

    /// The `SubmitAttachmentStateChangesRequest` shape.
    pub struct SubmitAttachmentStateChangesRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `attachments` of the public model.
        attachments: Vec<AttachmentStateChange>,
    }

    /// The `SubmitAttachmentStateChangesResponse` shape.
    pub struct SubmitAttachmentStateChangesResponse {
        /// The `acknowledgment` of the public model.
        acknowledgment: Option<String>,
    }
}
