//! PutAttributes, DeleteAttributes, ListAttributes.

use super::page::page;
use super::shapes::{AttributesRequest, AttributesResponse, ListAttributesRequest};
use super::show;
use crate::model::Model;
use crate::model::error::EcsError;
use crate::model::instance::is_reserved_attribute;
use crate::model::table::Record;
use crate::model::turn::Turn;
use std::collections::BTreeMap;
use wharf_protocol::api;
use wharf_protocol::arn::ContainerInstanceArn;

/// Attributes by name; one without a value is a capability.
pub type Attributes = BTreeMap<String, Option<String>>;

/// Sets attributes of operators; ECS's own names are not theirs to set.
pub fn put(
    model: &mut Model,
    request: AttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    let given = each_attribute(model, &request)?;
    for (arn, attribute) in &given {
        if let (Some(instance), Some(name)) = (model.instances.edit(arn), &attribute.name) {
            instance.attributes.insert(name.clone(), attribute.value.clone());
        }
    }
    Ok(AttributesResponse { attributes: request.attributes, next_token: None })
}

/// Takes attributes of operators away.
pub fn delete(
    model: &mut Model,
    request: AttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    for (arn, attribute) in each_attribute(model, &request)? {
        if let (Some(instance), Some(name)) = (model.instances.edit(&arn), &attribute.name) {
            instance.attributes.remove(name);
        }
    }
    Ok(AttributesResponse { attributes: request.attributes, next_token: None })
}

fn each_attribute(
    model: &Model,
    request: &AttributesRequest,
) -> Result<Vec<(ContainerInstanceArn, api::Attribute)>, EcsError> {
    let cluster = &model.cluster(request.cluster.as_deref())?.name;
    let names = read(&request.attributes)?;
    if let Some(reserved) = names.keys().find(|name| is_reserved_attribute(name)) {
        return Err(EcsError::invalid(format!("Attribute '{reserved}' is set by the agent.")));
    }
    let target = |attribute: &api::Attribute| {
        let named = attribute.target_id.as_deref().unwrap_or_default();
        let instance = model.instance(cluster, named);
        let missing = || EcsError::TargetNotFound(format!("Container instance '{named}' was not found."));
        Ok((instance.ok_or_else(missing)?.key(), attribute.clone()))
    };
    request.attributes.iter().map(target).collect()
}

/// Attributes of the cluster's instances.
pub fn list(
    model: &mut Model,
    request: ListAttributesRequest,
    _turn: &mut Turn,
) -> Result<AttributesResponse, EcsError> {
    let cluster = model.cluster(request.cluster.as_deref())?.name.clone();
    if request.target_type.as_deref() != Some("container-instance") {
        return Err(EcsError::invalid("targetType must be container-instance."));
    }
    let mut found = BTreeMap::new();
    for instance in model.instances_of(&cluster) {
        for attribute in show::attributes(&instance.attributes) {
            let wanted =
                request.attribute_name.as_ref().is_none_or(|name| attribute.name.as_ref() == Some(name))
                    && request
                        .attribute_value
                        .as_ref()
                        .is_none_or(|value| attribute.value.as_ref() == Some(value));
            if wanted {
                let key = format!("{} {}", instance.arn, attribute.name.as_deref().unwrap_or_default());
                let target = (Some("container-instance".to_owned()), Some(instance.arn.to_string()));
                let (target_type, target_id) = target;
                found.insert(key, api::Attribute { target_type, target_id, ..attribute });
            }
        }
    }
    let keys = found.keys().cloned().collect();
    let (keys, next_token) = page(keys, request.max_results, request.next_token.as_deref())?;
    Ok(AttributesResponse {
        attributes: keys.iter().filter_map(|key| found.remove(key)).collect(),
        next_token,
    })
}

/// Reads and checks attributes; the last of a repeated name counts.
pub fn read(given: &[api::Attribute]) -> Result<Attributes, EcsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./\\".contains(c);
    let mut read = Attributes::new();
    for attribute in given {
        let name = attribute.name.clone().unwrap_or_default();
        if name.is_empty() || name.len() > 128 || !name.chars().all(allowed) {
            return Err(EcsError::invalid(format!("Invalid attribute name '{name}'.")));
        }
        let value = attribute.value.clone();
        let refused =
            |value: &String| value.len() > 128 || value.trim() != value || value.contains(char::is_control);
        if value.as_ref().is_some_and(refused) {
            return Err(EcsError::invalid(format!("Invalid value of attribute '{name}'.")));
        }
        read.insert(name, value);
    }
    Ok(read)
}
