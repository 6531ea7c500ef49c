//! TagResource, UntagResource, ListTagsForResource.

use super::shapes::{Empty, TagRequest, UntagRequest};
use crate::model::Model;
use crate::model::definition::Reference;
use crate::model::error::EcsError;
use crate::model::tags::{self, Tags};
use crate::model::turn::Turn;
use wharf_protocol::api;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

fn missing(arn: &str) -> EcsError {
    EcsError::invalid(format!("The specified resource is not found: {arn}"))
}

/// The tags of whatever the ARN names.
fn tags_of<'a>(model: &'a mut Model, arn: &str) -> Result<&'a mut Tags, EcsError> {
    let kind = arn.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next());
    let found = match kind {
        Some("cluster") => {
            let name = crate::model::cluster_name(Some(arn)).to_owned();
            model.clusters.edit(&name).filter(|cluster| cluster.active).map(|cluster| &mut cluster.tags)
        }
        Some("task") => {
            let arn = TaskArn::parse(arn).ok();
            arn.and_then(|arn| model.tasks.edit(&arn)).map(|task| &mut task.launch.tags)
        }
        Some("container-instance") => {
            let arn = ContainerInstanceArn::parse(arn).ok();
            arn.and_then(|arn| model.instances.edit(&arn)).map(|instance| &mut instance.tags)
        }
        Some("task-definition") => match Reference::parse(arn) {
            Some(Reference::Exact(revision)) => model.definitions.edit(&revision).map(|one| &mut one.tags),
            Some(Reference::Latest(_)) | None => None,
        },
        Some(_) | None => None,
    };
    found.ok_or_else(|| missing(arn))
}

/// Adds tags, over those of the same key.
pub fn tag(model: &mut Model, request: TagRequest, _turn: &mut Turn) -> Result<Empty, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    let given = tags::from_api(&request.tags)?;
    let known = tags_of(model, &arn)?;
    let together: Tags = known.clone().into_iter().chain(given).collect();
    if together.len() > 50 {
        return Err(EcsError::invalid("A resource has at most 50 tags."));
    }
    *known = together;
    Ok(Empty {})
}

/// Takes tags away.
pub fn untag(model: &mut Model, request: UntagRequest, _turn: &mut Turn) -> Result<Empty, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    tags_of(model, &arn)?.retain(|key, _| !request.tag_keys.contains(key));
    Ok(Empty {})
}

/// Lists them.
pub fn list(
    model: &mut Model,
    request: api::ListTagsForResourceRequest,
    _turn: &mut Turn,
) -> Result<api::ListTagsForResourceResponse, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    Ok(api::ListTagsForResourceResponse { tags: tags::to_api(tags_of(model, &arn)?) })
}
