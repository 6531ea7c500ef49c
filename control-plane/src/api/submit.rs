//! SubmitTaskStateChange, SubmitContainerStateChange, SubmitAttachmentStateChanges (spec 2.5 to 2.7).
//!
//! An agent drops an event that is answered with `InvalidParameterException`, so that is the answer for a task nobody knows.

use crate::model::Model;
use crate::model::error::EcsError;
use crate::model::task::{ContainerReport, Report, Task, attached_ids};
use crate::model::turn::Turn;
use wharf_protocol::api;
use wharf_protocol::arn::TaskArn;

const DONE: &str = "ACK";

fn fold(model: &mut Model, named: Option<&str>, report: Report, turn: &Turn) -> Result<(), EcsError> {
    let missing = || EcsError::invalid("The referenced task was not found.");
    let arn =
        TaskArn::parse(named.unwrap_or_default()).map_err(|error| EcsError::invalid(error.to_string()))?;
    let definition = model.tasks.get(&arn).and_then(|task| model.definitions.get(&task.definition));
    let containers = definition.map(|definition| definition.document.container_definitions.clone());
    let containers = containers.unwrap_or_default();
    let essential = |name: &str| {
        let found = containers.iter().find(|container| container.name.as_deref() == Some(name));
        found.is_some_and(|container| container.essential.unwrap_or(true))
    };
    model.tasks.edit(&arn).ok_or_else(missing)?.apply(report, essential, turn.now);
    Ok(())
}

/// A task's state, or that its interface is attached.
pub fn task(
    model: &mut Model,
    request: api::SubmitTaskStateChangeRequest,
    turn: &mut Turn,
) -> Result<api::SubmitTaskStateChangeResponse, EcsError> {
    let named = request.task.clone();
    fold(model, named.as_deref(), Report::try_from(request)?, turn)?;
    Ok(api::SubmitTaskStateChangeResponse { acknowledgment: Some(DONE.to_owned()) })
}

/// A container's state.
pub fn container(
    model: &mut Model,
    request: api::SubmitContainerStateChangeRequest,
    turn: &mut Turn,
) -> Result<api::SubmitContainerStateChangeResponse, EcsError> {
    let change = ContainerReport::try_from(api::ContainerStateChange {
        container_name: request.container_name,
        image_digest: None,
        runtime_id: request.runtime_id,
        exit_code: request.exit_code,
        network_bindings: request.network_bindings,
        reason: request.reason,
        status: request.status,
    })?;
    let report = Report { containers: vec![change], ..Report::default() };
    fold(model, request.task.as_deref(), report, turn)?;
    Ok(api::SubmitContainerStateChangeResponse { acknowledgment: Some(DONE.to_owned()) })
}

/// Attachments that are not named together with a task.
pub fn attachments(
    model: &mut Model,
    request: api::SubmitAttachmentStateChangesRequest,
    turn: &mut Turn,
) -> Result<api::SubmitAttachmentStateChangesResponse, EcsError> {
    for id in attached_ids(&request.attachments) {
        let missing = || EcsError::invalid("The referenced attachment was not found.");
        let arn = task_with(model, &id).ok_or_else(missing)?;
        model.tasks.edit(&arn).ok_or_else(missing)?.attached(&id, turn.now);
    }
    Ok(api::SubmitAttachmentStateChangesResponse { acknowledgment: Some(DONE.to_owned()) })
}

fn task_with(model: &Model, attachment: &str) -> Option<TaskArn> {
    let has =
        |task: &&Task| task.interface.as_ref().is_some_and(|interface| interface.attachment == attachment);
    model.tasks.iter().find(has).map(|task| task.arn.clone())
}
