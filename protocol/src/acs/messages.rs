//! The messages of ACS, both directions (spec 3.4, 3.5).

use super::credentials::IAMRoleCredentials;
use super::network::ElasticNetworkInterface;
use super::task::{Attachment, Task};

wire! {
    /// The `HeartbeatMessage` shape.
    pub struct HeartbeatMessage {
        /// The `healthy` of the public model.
        healthy: Option<bool>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `HeartbeatAckRequest` shape.
    pub struct HeartbeatAckRequest {
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `PayloadMessage` shape.
    pub struct PayloadMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `tasks` of the public model.
        tasks: Vec<Task> = sent,
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `seqNum` of the public model.
        seq_num: Option<i64>,
        /// The `timeline` of the public model.
        timeline: Option<i64>,
    }

    /// The `IAMRoleCredentialsMessage` shape.
    pub struct IAMRoleCredentialsMessage {
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `taskClusterArn` of the public model.
        task_cluster_arn: Option<String>,
        /// The `roleCredentials` of the public model.
        role_credentials: Option<IAMRoleCredentials>,
        /// The `roleType` of the public model.
        role_type: Option<String>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `IAMRoleCredentialsAckRequest` shape.
    pub struct IAMRoleCredentialsAckRequest {
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `expiration` of the public model.
        expiration: Option<String>,
        /// The `credentialsId` of the public model.
        credentials_id: Option<String>,
    }

    /// The `TaskManifestMessage` shape.
    pub struct TaskManifestMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `tasks` of the public model.
        tasks: Vec<TaskIdentifier> = sent,
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `timeline` of the public model.
        timeline: Option<i64>,
    }

    /// The `TaskIdentifier` shape.
    pub struct TaskIdentifier {
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `taskClusterArn` of the public model.
        task_cluster_arn: Option<String>,
        /// The `desiredStatus` of the public model.
        desired_status: Option<String>,
    }

    /// The `TaskStopVerificationMessage` shape.
    pub struct TaskStopVerificationMessage {
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `stopCandidates` of the public model.
        stop_candidates: Vec<TaskIdentifier> = sent,
    }

    /// The `TaskStopVerificationAck` shape.
    pub struct TaskStopVerificationAck {
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `stopTasks` of the public model.
        stop_tasks: Vec<TaskIdentifier> = sent,
    }

    /// The `AttachTaskNetworkInterfacesMessage` shape.
    pub struct AttachTaskNetworkInterfacesMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `taskClusterArn` of the public model.
        task_cluster_arn: Option<String>,
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `waitTimeoutMs` of the public model.
        wait_timeout_ms: Option<i64>,
        /// The `elasticNetworkInterfaces` of the public model.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
    }

    /// The `AttachInstanceNetworkInterfacesMessage` shape.
    pub struct AttachInstanceNetworkInterfacesMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `waitTimeoutMs` of the public model.
        wait_timeout_ms: Option<i64>,
        /// The `elasticNetworkInterfaces` of the public model.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
    }

    /// The `ConfirmAttachmentMessage` shape.
    pub struct ConfirmAttachmentMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `taskClusterArn` of the public model.
        task_cluster_arn: Option<String>,
        /// The `generatedAt` of the public model.
        generated_at: Option<i64>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `waitTimeoutMs` of the public model.
        wait_timeout_ms: Option<i64>,
        /// The `attachment` of the public model.
        attachment: Option<Attachment>,
    }

    /// The `StageUpdateMessage` shape.
    pub struct StageUpdateMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `updateInfo` of the public model.
        update_info: Option<UpdateInfo>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `PerformUpdateMessage` shape.
    pub struct PerformUpdateMessage {
        /// The `containerInstanceArn` of the public model.
        container_instance_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `updateInfo` of the public model.
        update_info: Option<UpdateInfo>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `UpdateInfo` shape.
    pub struct UpdateInfo {
        /// The `location` of the public model.
        location: Option<String>,
        /// The `signature` of the public model.
        signature: Option<String>,
    }

    /// The `CloseMessage` shape.
    pub struct CloseMessage {
        /// The `message` of the public model.
        message: Option<String>,
    }

    /// The `ErrorMessage` shape.
    pub struct ErrorMessage {
        /// The `message` of the public model.
        message: Option<String>,
    }

    /// The `AckRequest` shape.
    pub struct AckRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
    }

    /// The `NackRequest` shape.
    pub struct NackRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
    }
}
