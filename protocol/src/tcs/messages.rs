//! The messages of TCS, both directions (spec 4.3 to 4.7).

use super::metrics::{InstanceMetrics, TaskMetric};
use crate::Timestamp;

wire! {
    /// The `HeartbeatMessage` shape.
    pub struct HeartbeatMessage {
        /// The `healthy` of the public model.
        healthy: Option<bool>,
    }

    /// The `PublishMetricsRequest` shape.
    pub struct PublishMetricsRequest {
        /// The `metadata` of the public model.
        metadata: Option<MetricsMetadata>,
        /// The `instanceMetrics` of the public model.
        instance_metrics: Option<InstanceMetrics>,
        /// The `taskMetrics` of the public model.
        task_metrics: Vec<TaskMetric> = sent,
        /// The `timestamp` of the public model.
        timestamp: Option<Timestamp>,
    }

    /// The `MetricsMetadata` shape.
    pub struct MetricsMetadata {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `idle` of the public model.
        idle: Option<bool>,
        /// The `fin` of the public model.
        fin: Option<bool>,
    }

    /// The `PublishHealthRequest` shape.
    pub struct PublishHealthRequest {
        /// The `metadata` of the public model.
        metadata: Option<HealthMetadata>,
        /// The `tasks` of the public model.
        tasks: Vec<TaskHealth> = sent,
        /// The `timestamp` of the public model.
        timestamp: Option<Timestamp>,
    }

    /// The `HealthMetadata` shape.
    pub struct HealthMetadata {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `messageId` of the public model.
        message_id: Option<String>,
        /// The `fin` of the public model.
        fin: Option<bool>,
    }

    /// The `TaskHealth` shape.
    pub struct TaskHealth {
        /// The `taskArn` of the public model.
        task_arn: Option<String>,
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `taskDefinitionFamily` of the public model.
        task_definition_family: Option<String>,
        /// The `taskDefinitionVersion` of the public model.
        task_definition_version: Option<String>,
        /// The `containers` of the public model.
        containers: Vec<ContainerHealth>,
    }

    /// The `ContainerHealth` shape.
    pub struct ContainerHealth {
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `healthStatus` of the public model.
        health_status: Option<String>,
        /// The `statusSince` of the public model.
        status_since: Option<Timestamp>,
        /// The `statusMessage` of the public model.
        status_message: Option<String>,
    }

    /// The `PublishInstanceStatusRequest` shape.
    pub struct PublishInstanceStatusRequest {
        /// The `metadata` of the public model.
        metadata: Option<InstanceStatusMetadata>,
        /// The `statuses` of the public model.
        statuses: Vec<InstanceStatus> = sent,
        /// The `timestamp` of the public model.
        timestamp: Option<Timestamp>,
    }

    /// The `InstanceStatusMetadata` shape.
    pub struct InstanceStatusMetadata {
        /// The `cluster` of the public model.
        cluster: Option<String>,
        /// The `containerInstance` of the public model.
        container_instance: Option<String>,
        /// The `requestId` of the public model.
        request_id: Option<String>,
    }

    /// The `InstanceStatus` shape.
    pub struct InstanceStatus {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `statusReason` of the public model.
        status_reason: Option<String>,
        /// The `lastUpdated` of the public model.
        last_updated: Option<Timestamp>,
        /// The `lastStatusChange` of the public model.
        last_status_change: Option<Timestamp>,
    }

    /// The `AckPublishMetric` shape.
    pub struct AckPublishMetric {
        /// The `message` of the public model.
        message: Option<String>,
    }

    /// The `AckPublishHealth` shape.
    pub struct AckPublishHealth {
        /// The `message` of the public model.
        message: Option<String>,
    }

    /// The `AckPublishInstanceStatus` shape.
    pub struct AckPublishInstanceStatus {
        /// The `message` of the public model.
        message: Option<String>,
    }

    /// The `StopTelemetrySessionMessage` shape.
    pub struct StopTelemetrySessionMessage {
        /// The `message` of the public model.
        message: Option<String>,
    }
}
