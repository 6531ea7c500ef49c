//! What only an agent calls: DiscoverPollEndpoint and the three Submit operations (spec 2.4 to 2.7).

use super::common::NetworkBinding;
use crate::Timestamp;

wire! {
    /// Input of [`DiscoverPollEndpoint`](super::DiscoverPollEndpoint).
    pub struct DiscoverPollEndpointRequest {
        /// ARN of the container instance that asks.
        container_instance: Option<String>,
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Id of the availability zone; empty on EC2.
        zone_id: Option<String>,
    }

    /// Output of [`DiscoverPollEndpoint`](super::DiscoverPollEndpoint).
    pub struct DiscoverPollEndpointResponse {
        /// URL for ACS, with scheme `http` or `https`.
        endpoint: Option<String>,
        /// URL for TCS, with scheme `http` or `https`.
        telemetry_endpoint: Option<String>,
        /// URL for the Service Connect relay.
        service_connect_endpoint: Option<String>,
        /// URL for system logs.
        system_logs_endpoint: Option<String>,
    }

    /// Input of [`SubmitTaskStateChange`](super::SubmitTaskStateChange).
    pub struct SubmitTaskStateChangeRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Task, by id or ARN.
        task: Option<String>,
        /// `PENDING`, `RUNNING` or `STOPPED`; absent when only attachments are reported.
        status: Option<String>,
        /// Why, at most 1024 characters; present even when empty.
        reason: Option<String>,
        /// Containers whose status changed.
        containers: Vec<ContainerStateChange>,
        /// Attachments whose status changed.
        attachments: Vec<AttachmentStateChange>,
        /// Managed agents whose status changed.
        managed_agents: Vec<ManagedAgentStateChange>,
        /// When the first image pull began.
        pull_started_at: Option<Timestamp>,
        /// When the last image pull ended.
        pull_stopped_at: Option<Timestamp>,
        /// When the first essential container stopped.
        execution_stopped_at: Option<Timestamp>,
    }

    /// Output of [`SubmitTaskStateChange`](super::SubmitTaskStateChange).
    pub struct SubmitTaskStateChangeResponse {
        /// Acknowledgement; agents ignore it.
        acknowledgment: Option<String>,
    }

    /// A container whose status changed.
    pub struct ContainerStateChange {
        /// Name of the container.
        container_name: Option<String>,
        /// Digest the image's tag was resolved to.
        image_digest: Option<String>,
        /// Id of the container in the runtime, at most 255 characters.
        runtime_id: Option<String>,
        /// Exit code of the container's process; absent when unknown.
        exit_code: Option<i64>,
        /// Ports published on the host.
        network_bindings: Vec<NetworkBinding>,
        /// Why, at most 1024 characters, such as `CannotPullContainerError: …`.
        reason: Option<String>,
        /// `PENDING`, `RUNNING` or `STOPPED`.
        status: Option<String>,
    }

    /// An attachment whose status changed.
    pub struct AttachmentStateChange {
        /// ARN of the attachment.
        attachment_arn: Option<String>,
        /// New status, such as `ATTACHED`.
        status: Option<String>,
    }

    /// A managed agent whose status changed.
    pub struct ManagedAgentStateChange {
        /// Name of the container.
        container_name: Option<String>,
        /// Name of the managed agent: `ExecuteCommandAgent`.
        managed_agent_name: Option<String>,
        /// `CREATED`, `RUNNING` or `STOPPED`.
        status: Option<String>,
        /// Why, in words.
        reason: Option<String>,
    }

    /// Input of [`SubmitContainerStateChange`](super::SubmitContainerStateChange).
    pub struct SubmitContainerStateChangeRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Task, by id or ARN.
        task: Option<String>,
        /// Name of the container.
        container_name: Option<String>,
        /// Id of the container in the runtime, at most 255 characters.
        runtime_id: Option<String>,
        /// `RUNNING` or `STOPPED`.
        status: Option<String>,
        /// Exit code of the container's process; absent when unknown.
        exit_code: Option<i64>,
        /// Why, at most 1024 characters.
        reason: Option<String>,
        /// Ports published on the host.
        network_bindings: Vec<NetworkBinding>,
    }

    /// Output of [`SubmitContainerStateChange`](super::SubmitContainerStateChange).
    pub struct SubmitContainerStateChangeResponse {
        /// Acknowledgement; agents ignore it.
        acknowledgment: Option<String>,
    }

    /// Input of [`SubmitAttachmentStateChanges`](super::SubmitAttachmentStateChanges).
    pub struct SubmitAttachmentStateChangesRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Attachments whose status changed.
        attachments: Vec<AttachmentStateChange>,
    }

    /// Output of [`SubmitAttachmentStateChanges`](super::SubmitAttachmentStateChanges).
    pub struct SubmitAttachmentStateChangesResponse {
        /// Acknowledgement; agents ignore it.
        acknowledgment: Option<String>,
    }
}
