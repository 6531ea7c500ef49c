//! The messages of TCS, both directions (spec 4.3 to 4.7).

use super::metrics::{InstanceMetrics, TaskMetric};
use crate::Timestamp;

wire! {
    /// Tells that the control plane is alive; not answered.
    pub struct HeartbeatMessage {
        /// Whether the peer thinks itself healthy; nobody examines it.
        healthy: Option<bool>,
    }

    /// Metrics of up to 10 tasks; sent every 20 s, answered by [`AckPublishMetric`].
    pub struct PublishMetricsRequest {
        /// About the message.
        metadata: Option<MetricsMetadata>,
        /// Metrics of the instance; the Go agent leaves it out.
        instance_metrics: Option<InstanceMetrics>,
        /// Metrics of the tasks, at most 10 a page.
        task_metrics: Vec<TaskMetric> = sent,
        /// When the message was made.
        timestamp: Option<Timestamp>,
    }

    /// About a metrics message.
    pub struct MetricsMetadata {
        /// Cluster as the agent is configured with it.
        cluster: Option<String>,
        /// ARN of the container instance.
        container_instance: Option<String>,
        /// UUID of the tick, shared by all its pages.
        message_id: Option<String>,
        /// Whether the instance runs no task.
        idle: Option<bool>,
        /// Whether this is the last page of the tick.
        fin: Option<bool>,
    }

    /// Health of up to 10 tasks; sent every 20 s, answered by [`AckPublishHealth`].
    pub struct PublishHealthRequest {
        /// About the message.
        metadata: Option<HealthMetadata>,
        /// Tasks with containers that have a health check, at most 10 a page.
        tasks: Vec<TaskHealth> = sent,
        /// When the message was made.
        timestamp: Option<Timestamp>,
    }

    /// About a health message.
    pub struct HealthMetadata {
        /// Cluster as the agent is configured with it.
        cluster: Option<String>,
        /// ARN of the container instance.
        container_instance: Option<String>,
        /// UUID of the tick, shared by all its pages.
        message_id: Option<String>,
        /// Whether this is the last page of the tick.
        fin: Option<bool>,
    }

    /// Health of a task's containers.
    pub struct TaskHealth {
        /// ARN of the task.
        task_arn: Option<String>,
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Family of the task definition.
        task_definition_family: Option<String>,
        /// Revision of the task definition, as a decimal string.
        task_definition_version: Option<String>,
        /// The task's containers that have a health check.
        containers: Vec<ContainerHealth>,
    }

    /// Health of a container.
    pub struct ContainerHealth {
        /// Name of the container.
        container_name: Option<String>,
        /// Health: `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
        health_status: Option<String>,
        /// When the health became what it is.
        status_since: Option<Timestamp>,
        /// What the probe said.
        status_message: Option<String>,
    }

    /// Outcome of the instance's health checks; answered by [`AckPublishInstanceStatus`].
    pub struct PublishInstanceStatusRequest {
        /// About the message.
        metadata: Option<InstanceStatusMetadata>,
        /// Outcome of each check.
        statuses: Vec<InstanceStatus> = sent,
        /// When the message was made.
        timestamp: Option<Timestamp>,
    }

    /// About an instance status message.
    pub struct InstanceStatusMetadata {
        /// Cluster as the agent is configured with it.
        cluster: Option<String>,
        /// ARN of the container instance.
        container_instance: Option<String>,
        /// UUID of the request.
        request_id: Option<String>,
    }

    /// Outcome of one health check.
    pub struct InstanceStatus {
        /// What was checked: `ContainerRuntime`, `Agent`, `EBSDaemon` or `ACCELERATED_COMPUTE`.
        r#type: Option<String>,
        /// Outcome of the check: `OK`, `IMPAIRED`, `INSUFFICIENT_DATA`, `INITIALIZING`.
        status: Option<String>,
        /// Why the status is what it is.
        status_reason: Option<String>,
        /// When the check last ran.
        last_updated: Option<Timestamp>,
        /// When the outcome last changed.
        last_status_change: Option<Timestamp>,
    }

    /// Answers [`PublishMetricsRequest`].
    pub struct AckPublishMetric {
        /// Text for people.
        message: Option<String>,
    }

    /// Answers [`PublishHealthRequest`].
    pub struct AckPublishHealth {
        /// Text for people.
        message: Option<String>,
    }

    /// Answers [`PublishInstanceStatusRequest`].
    pub struct AckPublishInstanceStatus {
        /// Text for people.
        message: Option<String>,
    }

    /// The control plane ends the session; the Go agent ignores it.
    pub struct StopTelemetrySessionMessage {
        /// Text for people.
        message: Option<String>,
    }
}
