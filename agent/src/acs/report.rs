//! Reports of the core as API requests. Source: spec 2.5.

use wharf_core::report::{AttachmentReport, ContainerReport, TaskReport};
use wharf_protocol::Timestamp;
use wharf_protocol::api::{AttachmentStateChange, ContainerStateChange, SubmitTaskStateChangeRequest};

/// Longest reason, in characters.
const REASON: usize = 1024;
/// Longest runtime id and image digest, in characters.
const ID: usize = 255;

/// The request that tells the state of a task.
pub fn task_request(cluster: &str, report: &TaskReport) -> SubmitTaskStateChangeRequest {
    let at = |time: Option<wharf_core::time::Timestamp>| time.map(|t| Timestamp::from_millis(t.as_millis()));
    SubmitTaskStateChangeRequest {
        cluster: Some(cluster.to_owned()),
        task: Some(report.task.to_string()),
        status: Some(report.status.as_str().to_owned()),
        reason: Some(cut(&report.reason, REASON)),
        containers: report.containers.iter().map(container).collect(),
        pull_started_at: at(report.pull_started_at),
        pull_stopped_at: at(report.pull_stopped_at),
        execution_stopped_at: at(report.execution_stopped_at),
        ..SubmitTaskStateChangeRequest::default()
    }
}

/// The request that says that a task's interface is there.
pub fn attachment_request(cluster: &str, report: &AttachmentReport) -> SubmitTaskStateChangeRequest {
    let attached = AttachmentStateChange {
        attachment_arn: Some(report.attachment_arn.clone()),
        status: Some("ATTACHED".to_owned()),
    };
    SubmitTaskStateChangeRequest {
        cluster: Some(cluster.to_owned()),
        task: Some(report.task.to_string()),
        attachments: vec![attached],
        ..SubmitTaskStateChangeRequest::default()
    }
}

fn container(report: &ContainerReport) -> ContainerStateChange {
    ContainerStateChange {
        container_name: Some(report.name.clone()),
        image_digest: report.image_digest.as_deref().map(|digest| cut(digest, ID)),
        runtime_id: report.runtime_id.as_deref().map(|id| cut(id, ID)),
        exit_code: report.exit_code.map(i64::from),
        reason: report.reason.as_deref().map(|reason| cut(reason, REASON)),
        status: Some(report.status.as_str().to_owned()),
        // Bindings are of published ports; awsvpc, host and none publish nothing (spec 2.5).
        network_bindings: Vec::new(),
    }
}

/// The first `longest` characters; whole characters, so that it stays text.
fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
