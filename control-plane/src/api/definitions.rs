//! RegisterTaskDefinition, DescribeTaskDefinition, DeregisterTaskDefinition, ListTaskDefinitions, ListTaskDefinitionFamilies.

use super::page::page;
use super::shapes::{ListFamiliesRequest, ListFamiliesResponse};
use crate::model::Model;
use crate::model::definition::{Definition, Reference};
use crate::model::error::EcsError;
use crate::model::tags;
use crate::model::turn::Turn;
use std::collections::BTreeMap;
use wharf_protocol::api;

/// Registers the next revision of a family.
pub fn register(
    model: &mut Model,
    request: api::RegisterTaskDefinitionRequest,
    turn: &mut Turn,
) -> Result<api::RegisterTaskDefinitionResponse, EcsError> {
    let family = request.family.clone().unwrap_or_default();
    // Revisions are never deleted, so their numbers are never used again.
    let number = model.family(&family).next_back().map_or(0, |latest| latest.revision.number) + 1;
    let arn = |revision: &_| model.arn(&format!("task-definition/{revision}"));
    let definition = Definition::register(request, number, arn, turn.now)?;
    model.definitions.put(definition.clone());
    let tags = tags::to_api(&definition.tags);
    Ok(api::RegisterTaskDefinitionResponse { task_definition: Some(definition.document), tags })
}

/// Describes one revision, or the latest active one of a family.
pub fn describe(
    model: &mut Model,
    request: api::DescribeTaskDefinitionRequest,
    _turn: &mut Turn,
) -> Result<api::DescribeTaskDefinitionResponse, EcsError> {
    let named = request.task_definition.unwrap_or_default();
    let definition =
        model.definition(&named).ok_or_else(|| EcsError::client("Unable to describe task definition."))?;
    let with_tags = request.include.iter().any(|what| what == "TAGS");
    Ok(api::DescribeTaskDefinitionResponse {
        task_definition: Some(definition.document.clone()),
        tags: if with_tags { tags::to_api(&definition.tags) } else { Vec::new() },
    })
}

/// Makes a revision inactive: running tasks keep it, new ones cannot have it.
pub fn deregister(
    model: &mut Model,
    request: api::DeregisterTaskDefinitionRequest,
    turn: &mut Turn,
) -> Result<api::DeregisterTaskDefinitionResponse, EcsError> {
    let named = request.task_definition.unwrap_or_default();
    let Some(Reference::Exact(revision)) = Reference::parse(&named) else {
        return Err(EcsError::invalid(
            "Invalid revision number. Give the family and the revision, such as web:1.",
        ));
    };
    let missing = || EcsError::client("The specified task definition does not exist.");
    let definition = model.definitions.get(&revision).ok_or_else(missing)?;
    if !definition.is_active() {
        return Err(EcsError::client("The specified task definition is inactive."));
    }
    let definition = model.definitions.edit(&revision).ok_or_else(missing)?;
    definition.document.status = Some("INACTIVE".to_owned());
    definition.document.deregistered_at = Some(turn.now.into());
    Ok(api::DeregisterTaskDefinitionResponse { task_definition: Some(definition.document.clone()) })
}

/// ARNs of revisions with that status (`ACTIVE` unless asked otherwise), in the order of family and number.
pub fn list(
    model: &mut Model,
    request: api::ListTaskDefinitionsRequest,
    _turn: &mut Turn,
) -> Result<api::ListTaskDefinitionsResponse, EcsError> {
    let active = match request.status.as_deref() {
        None | Some("ACTIVE") => true,
        Some("INACTIVE") => false,
        Some(other) => return Err(EcsError::invalid(format!("'{other}' is not a status to list by."))),
    };
    let family = request.family_prefix.filter(|family| !family.is_empty());
    // In this operation the prefix is, in spite of its name, a whole family's name.
    let wanted = |one: &&Definition| {
        one.is_active() == active && family.as_ref().is_none_or(|family| one.revision.family == *family)
    };
    let mut arns: Vec<_> = model.definitions.iter().filter(wanted).map(|one| one.arn().to_owned()).collect();
    if request.sort.as_deref() == Some("DESC") {
        arns.reverse();
    }
    let (task_definition_arns, next_token) = page(arns, request.max_results, request.next_token.as_deref())?;
    Ok(api::ListTaskDefinitionsResponse { task_definition_arns, next_token })
}

/// Names of families that begin with the prefix.
pub fn families(
    model: &mut Model,
    request: ListFamiliesRequest,
    _turn: &mut Turn,
) -> Result<ListFamiliesResponse, EcsError> {
    let prefix = request.family_prefix.unwrap_or_default();
    let mut active = BTreeMap::new();
    for one in model.definitions.iter().filter(|one| one.revision.family.starts_with(&prefix)) {
        *active.entry(one.revision.family.clone()).or_insert(false) |= one.is_active();
    }
    let wanted: Box<dyn Fn(bool) -> bool> = match request.status.as_deref() {
        None | Some("ALL") => Box::new(|_| true),
        Some("ACTIVE") => Box::new(|active| active),
        Some("INACTIVE") => Box::new(|active| !active),
        Some(other) => return Err(EcsError::invalid(format!("'{other}' is not a status to list by."))),
    };
    let names = active.into_iter().filter(|(_, active)| wanted(*active)).map(|(name, _)| name).collect();
    let (families, next_token) = page(names, request.max_results, request.next_token.as_deref())?;
    Ok(ListFamiliesResponse { families, next_token })
}
