//! The messages of ACS, both directions (spec 3.4, 3.5).

use super::credentials::IAMRoleCredentials;
use super::network::ElasticNetworkInterface;
use super::task::{Attachment, Task};

wire! {
    /// Tells that the peer is alive; answered by [`HeartbeatAckRequest`].
    pub struct HeartbeatMessage {
        /// Whether the peer thinks itself healthy; nobody examines it.
        healthy: Option<bool>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
    }

    /// Answers a [`HeartbeatMessage`].
    pub struct HeartbeatAckRequest {
        /// The heartbeat's `messageId`.
        message_id: Option<String>,
    }

    /// Tasks to run or stop; answered by [`AckRequest`] once they are saved.
    pub struct PayloadMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Tasks to run or stop.
        tasks: Vec<Task> = sent,
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
        /// Raises the instance's manifest counter.
        seq_num: Option<i64>,
        /// Counter of the instance's history.
        timeline: Option<i64>,
    }

    /// Fresh credentials for a task's role; answered by [`IAMRoleCredentialsAckRequest`].
    pub struct IAMRoleCredentialsMessage {
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the task's cluster.
        task_cluster_arn: Option<String>,
        /// Credentials of the role.
        role_credentials: Option<IAMRoleCredentials>,
        /// Which role of the task the credentials are for: `TaskApplication`, `TaskExecution`.
        role_type: Option<String>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
    }

    /// Answers credentials, whether they came alone or in a payload.
    pub struct IAMRoleCredentialsAckRequest {
        /// The `messageId` of the message that brought the credentials.
        message_id: Option<String>,
        /// When the credentials expire; an opaque text that is passed on unchanged.
        expiration: Option<String>,
        /// Id under which containers ask for the credentials.
        credentials_id: Option<String>,
    }

    /// All the tasks that should be here; answered by [`AckRequest`] and, if some run that should not, by [`TaskStopVerificationMessage`].
    pub struct TaskManifestMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Every task the control plane wants on this instance.
        tasks: Vec<TaskIdentifier> = sent,
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
        /// Counter of the instance's history; manifests at or below the last one seen are ignored.
        timeline: Option<i64>,
    }

    /// A task and the status it should have.
    pub struct TaskIdentifier {
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the task's cluster.
        task_cluster_arn: Option<String>,
        /// `RUNNING` or `STOPPED`.
        desired_status: Option<String>,
    }

    /// Asks whether tasks that the manifest lacks are to stop; answered by [`TaskStopVerificationAck`].
    pub struct TaskStopVerificationMessage {
        /// The `messageId` of the manifest.
        message_id: Option<String>,
        /// Tasks that run here and do not stand in the manifest.
        stop_candidates: Vec<TaskIdentifier> = sent,
    }

    /// Says which tasks really are to stop.
    pub struct TaskStopVerificationAck {
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// The `messageId` of the manifest.
        message_id: Option<String>,
        /// Tasks that really are to stop.
        stop_tasks: Vec<TaskIdentifier> = sent,
    }

    /// Announces a network interface for a task; answered by [`AckRequest`], later by `ATTACHED` on the API.
    pub struct AttachTaskNetworkInterfacesMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the task's cluster.
        task_cluster_arn: Option<String>,
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
        /// Milliseconds, counted from receipt, until the attachment is given up.
        wait_timeout_ms: Option<i64>,
        /// Elastic network interfaces.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
    }

    /// Announces a trunk interface for the instance; answered by [`AckRequest`].
    pub struct AttachInstanceNetworkInterfacesMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
        /// Milliseconds, counted from receipt, until the attachment is given up.
        wait_timeout_ms: Option<i64>,
        /// Elastic network interfaces.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
    }

    /// Announces a volume or another resource for a task; answered by [`AckRequest`].
    pub struct ConfirmAttachmentMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the task's cluster.
        task_cluster_arn: Option<String>,
        /// When the message was made, in milliseconds since the Unix epoch; nobody examines it.
        generated_at: Option<i64>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
        /// Milliseconds, counted from receipt, until the attachment is given up.
        wait_timeout_ms: Option<i64>,
        /// The attachment.
        attachment: Option<Attachment>,
    }

    /// Asks the agent to fetch a new version of itself; answered by [`AckRequest`] or [`NackRequest`].
    pub struct StageUpdateMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Where the new agent lies.
        update_info: Option<UpdateInfo>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
    }

    /// Asks the agent to become the staged version; answered by [`AckRequest`] or [`NackRequest`].
    pub struct PerformUpdateMessage {
        /// ARN of the container instance.
        container_instance_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Where the new agent lies.
        update_info: Option<UpdateInfo>,
        /// Identifies the message in its acknowledgement.
        message_id: Option<String>,
    }

    /// Where a new agent lies.
    pub struct UpdateInfo {
        /// URL of the archive.
        location: Option<String>,
        /// SHA-256 of the archive in hexadecimal.
        signature: Option<String>,
    }

    /// The control plane closes the connection.
    pub struct CloseMessage {
        /// Text for people.
        message: Option<String>,
    }

    /// The control plane could not read a message.
    pub struct ErrorMessage {
        /// Text for people.
        message: Option<String>,
    }

    /// Accepts a message.
    pub struct AckRequest {
        /// The `clusterArn` of the message that is acknowledged.
        cluster: Option<String>,
        /// The `containerInstanceArn` of the message that is acknowledged.
        container_instance: Option<String>,
        /// The `messageId` that is acknowledged.
        message_id: Option<String>,
    }

    /// Refuses a message.
    pub struct NackRequest {
        /// The `clusterArn` of the message that is refused.
        cluster: Option<String>,
        /// The `containerInstanceArn` of the message that is refused.
        container_instance: Option<String>,
        /// The `messageId` that is refused.
        message_id: Option<String>,
        /// Why the message is refused.
        reason: Option<String>,
    }
}
