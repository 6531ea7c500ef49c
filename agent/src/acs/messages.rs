//! The other messages as events, and the core's replies as messages. Source: spec 3.5.
//!
//! The link has dropped messages without the fields that every agent needs (`wharf_link::acs::validate`); what is refused here
//! could not be understood beyond that, and is for the log.

use super::interface;
use super::payload::{RoleCredentials, task_credentials};
use super::refusal::{Refusal, required};
use super::task::check_id;
use crate::endpoints::credentials::Role;
use std::time::Duration;
use wharf_core::effect::Reply;
use wharf_core::event::{Desired, Event};
use wharf_core::spec::AttachmentSpec;
use wharf_core::time::Timestamp;
use wharf_protocol::acs::{
    AckRequest, AttachTaskNetworkInterfacesMessage, IAMRoleCredentialsAckRequest, IAMRoleCredentialsMessage,
    Message, TaskIdentifier, TaskManifestMessage, TaskStopVerificationAck, TaskStopVerificationMessage,
};
use wharf_protocol::arn::TaskArn;

/// An interface announced for a task; it lapses `waitTimeoutMs` after `now`, the time of its arrival.
pub fn interface_assigned(
    message: &AttachTaskNetworkInterfacesMessage,
    now: Timestamp,
) -> Result<Event, Refusal> {
    let message_id = required("messageId", &message.message_id)?.to_owned();
    let task = task_arn(&message.task_arn)?;
    check_id(&task)?;
    let wait = message.wait_timeout_ms.unwrap_or(0);
    let wait = u64::try_from(wait).ok().filter(|wait| *wait > 0);
    let wait = Duration::from_millis(wait.ok_or_else(|| Refusal::missing("waitTimeoutMs"))?);
    let interface = match message.elastic_network_interfaces.as_slice() {
        [] => return Err(Refusal::missing("elasticNetworkInterfaces")),
        [eni] => interface::convert("elasticNetworkInterfaces[0]", eni)?,
        [_, _, ..] => {
            return Err(Refusal::unsupported("elasticNetworkInterfaces with more than one interface"));
        }
    };
    let attachment = AttachmentSpec { task, interface, expires_at: now.plus(wait) };
    Ok(Event::InterfaceAssigned { message_id, attachment })
}

/// What the control plane believes to run here. A task with an ARN that cannot be read is left out: none of ours has it.
pub fn manifest_received(message: &TaskManifestMessage) -> Result<Event, Refusal> {
    let entry = |task: &TaskIdentifier| {
        let arn = task_arn(&task.task_arn).ok()?;
        // Anything but RUNNING makes a running task a candidate for stopping, which the control plane then confirms or not.
        let runs = task.desired_status.as_deref() == Some("RUNNING");
        Some((arn, if runs { Desired::Running } else { Desired::Stopped }))
    };
    Ok(Event::ManifestReceived {
        message_id: required("messageId", &message.message_id)?.to_owned(),
        timeline: message.timeline.ok_or_else(|| Refusal::missing("timeline"))?,
        tasks: message.tasks.iter().filter_map(entry).collect(),
    })
}

/// The stops that the control plane confirmed.
pub fn stops_verified(message: &TaskStopVerificationAck) -> Result<Event, Refusal> {
    let message_id = required("messageId", &message.message_id)?.to_owned();
    let tasks = message.stop_tasks.iter().filter_map(|task| task_arn(&task.task_arn).ok()).collect();
    Ok(Event::StopsVerified { message_id, tasks })
}

/// New credentials of one role of one task.
pub fn role_credentials(message: &IAMRoleCredentialsMessage) -> Result<RoleCredentials, Refusal> {
    let task = task_arn(&message.task_arn)?;
    let role = match required("roleType", &message.role_type)? {
        "TaskApplication" => Role::Task,
        "TaskExecution" => Role::Execution,
        other => return Err(Refusal::wrong("roleType", other, "TaskApplication or TaskExecution")),
    };
    let credentials = message.role_credentials.as_ref().ok_or_else(|| Refusal::missing("roleCredentials"))?;
    let id = required("roleCredentials.credentialsId", &credentials.credentials_id)?.to_owned();
    Ok(RoleCredentials { id, credentials: task_credentials(&task, role, credentials) })
}

/// The answer to credentials, whether they came alone or in a payload.
pub fn credentials_ack(message_id: &str, credentials: &RoleCredentials) -> Message {
    IAMRoleCredentialsAckRequest {
        message_id: Some(message_id.to_owned()),
        expiration: Some(credentials.credentials.expiration.clone()),
        credentials_id: Some(credentials.id.clone()),
    }
    .into()
}

/// A reply of the core; cluster and container instance are those of the message that is answered.
pub fn reply_message(reply: Reply, cluster_arn: &str, container_instance_arn: &str) -> Message {
    match reply {
        Reply::Ack { message_id } => AckRequest {
            cluster: Some(cluster_arn.to_owned()),
            container_instance: Some(container_instance_arn.to_owned()),
            message_id: Some(message_id),
        }
        .into(),
        Reply::VerifyStops { message_id, candidates } => {
            let candidate = |task: TaskArn| TaskIdentifier {
                task_arn: Some(task.to_string()),
                task_cluster_arn: Some(cluster_arn.to_owned()),
                desired_status: Some("STOPPED".to_owned()),
            };
            let stop_candidates = candidates.into_iter().map(candidate).collect();
            TaskStopVerificationMessage { message_id: Some(message_id), stop_candidates }.into()
        }
    }
}

fn task_arn(text: &Option<String>) -> Result<TaskArn, Refusal> {
    let text = required("taskArn", text)?;
    TaskArn::parse(text).map_err(|error| Refusal::wrong("taskArn", text, error.to_string()))
}
