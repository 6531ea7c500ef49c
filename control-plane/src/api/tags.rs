//! TagResource, UntagResource, ListTagsForResource.

use super::shapes::{Empty, TagRequest, UntagRequest};
use crate::model::definition::{Reference, Revision};
use crate::model::error::EcsError;
use crate::model::tags::{self, Tags};
use crate::model::turn::Turn;
use crate::model::{Model, cluster_name};
use wharf_protocol::api;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

fn missing(arn: &str) -> EcsError {
    EcsError::invalid(format!("The specified resource is not found: {arn}"))
}

/// What an ARN with tags names.
enum Tagged {
    Cluster(String),
    Task(TaskArn),
    Instance(ContainerInstanceArn),
    Definition(Revision),
}

impl Tagged {
    fn parse(arn: &str) -> Result<Self, EcsError> {
        let kind = arn.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next());
        let found = match kind {
            Some("cluster") => Some(Self::Cluster(cluster_name(Some(arn)).to_owned())),
            Some("task") => TaskArn::parse(arn).ok().map(Self::Task),
            Some("container-instance") => ContainerInstanceArn::parse(arn).ok().map(Self::Instance),
            Some("task-definition") => match Reference::parse(arn) {
                Some(Reference::Exact(revision)) => Some(Self::Definition(revision)),
                Some(Reference::Latest(_)) | None => None,
            },
            Some(_) | None => None,
        };
        found.ok_or_else(|| missing(arn))
    }

    fn tags<'a>(&self, model: &'a Model) -> Option<&'a Tags> {
        match self {
            Self::Cluster(name) => model.clusters.get(name).filter(|one| one.active).map(|one| &one.tags),
            Self::Task(arn) => model.tasks.get(arn).map(|one| &one.launch.tags),
            Self::Instance(arn) => model.instances.get(arn).map(|one| &one.tags),
            Self::Definition(revision) => model.definitions.get(revision).map(|one| &one.tags),
        }
    }

    fn set(&self, model: &mut Model, tags: Tags) {
        let slot = match self {
            Self::Cluster(name) => model.clusters.edit(name).map(|one| &mut one.tags),
            Self::Task(arn) => model.tasks.edit(arn).map(|one| &mut one.launch.tags),
            Self::Instance(arn) => model.instances.edit(arn).map(|one| &mut one.tags),
            Self::Definition(revision) => model.definitions.edit(revision).map(|one| &mut one.tags),
        };
        if let Some(slot) = slot {
            *slot = tags;
        }
    }
}

/// Adds tags, over those of the same key.
pub fn tag(model: &mut Model, request: TagRequest, _turn: &mut Turn) -> Result<Empty, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    let given = tags::from_api(&request.tags)?;
    let tagged = Tagged::parse(&arn)?;
    let known = tagged.tags(model).ok_or_else(|| missing(&arn))?.clone();
    let together: Tags = known.into_iter().chain(given).collect();
    if together.len() > 50 {
        return Err(EcsError::invalid("A resource has at most 50 tags."));
    }
    tagged.set(model, together);
    Ok(Empty {})
}

/// Takes tags away.
pub fn untag(model: &mut Model, request: UntagRequest, _turn: &mut Turn) -> Result<Empty, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    let tagged = Tagged::parse(&arn)?;
    let mut tags = tagged.tags(model).ok_or_else(|| missing(&arn))?.clone();
    tags.retain(|key, _| !request.tag_keys.contains(key));
    tagged.set(model, tags);
    Ok(Empty {})
}

/// Lists them.
pub fn list(
    model: &mut Model,
    request: api::ListTagsForResourceRequest,
    _turn: &mut Turn,
) -> Result<api::ListTagsForResourceResponse, EcsError> {
    let arn = request.resource_arn.unwrap_or_default();
    let tags = Tagged::parse(&arn)?.tags(model).ok_or_else(|| missing(&arn))?;
    Ok(api::ListTagsForResourceResponse { tags: tags::to_api(tags) })
}
