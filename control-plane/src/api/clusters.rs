//! CreateCluster, DeleteCluster, DescribeClusters, ListClusters.

use super::page::page;
use super::show;
use crate::model::cluster::Cluster;
use crate::model::error::EcsError;
use crate::model::launch::failure;
use crate::model::turn::Turn;
use crate::model::{Model, cluster_name, tags};
use wharf_protocol::api;

/// Creating a cluster that is there already gives that cluster, as in ECS.
pub fn create(
    model: &mut Model,
    request: api::CreateClusterRequest,
    _turn: &mut Turn,
) -> Result<api::CreateClusterResponse, EcsError> {
    let name = cluster_name(request.cluster_name.as_deref()).to_owned();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 255 || !name.chars().all(allowed) || request.cluster_name.as_deref() == Some("") {
        return Err(EcsError::invalid(
            "Invalid cluster name. Use letters, numbers, hyphens and underscores, at most 255.",
        ));
    }
    if !request.capacity_providers.is_empty() || !request.default_capacity_provider_strategy.is_empty() {
        return Err(EcsError::UnsupportedFeature("Capacity providers are not supported.".to_owned()));
    }
    let tags = tags::from_api(&request.tags)?;
    if !model.clusters.get(&name).is_some_and(|cluster| cluster.active) {
        let settings = request.settings;
        model.clusters.put(Cluster { name: name.clone(), active: true, tags, settings });
    }
    let cluster = model.cluster(Some(&name))?;
    Ok(api::CreateClusterResponse { cluster: Some(show::cluster(model, cluster, &["TAGS", "SETTINGS"])) })
}

/// A cluster can go when nothing is in it.
pub fn delete(
    model: &mut Model,
    request: api::DeleteClusterRequest,
    _turn: &mut Turn,
) -> Result<api::DeleteClusterResponse, EcsError> {
    let name = model.cluster(request.cluster.as_deref())?.name.clone();
    if model.instances_of(&name).next().is_some() {
        return Err(EcsError::ClusterContainsContainerInstances);
    }
    if model.tasks.iter().any(|task| task.cluster == name && !task.is_stopped()) {
        return Err(EcsError::ClusterContainsTasks);
    }
    if let Some(cluster) = model.clusters.edit(&name) {
        cluster.active = false;
    }
    let cluster = model.clusters.get(&name).ok_or(EcsError::ClusterNotFound)?;
    Ok(api::DeleteClusterResponse { cluster: Some(show::cluster(model, cluster, &["TAGS", "SETTINGS"])) })
}

/// Describes the named clusters, `default` when none is named.
pub fn describe(
    model: &mut Model,
    request: api::DescribeClustersRequest,
    _turn: &mut Turn,
) -> Result<api::DescribeClustersResponse, EcsError> {
    let include: Vec<&str> = request.include.iter().map(String::as_str).collect();
    let default = vec!["default".to_owned()];
    let named = if request.clusters.is_empty() { &default } else { &request.clusters };
    let mut response = api::DescribeClustersResponse::default();
    for named in named {
        let name = cluster_name(Some(named)).to_owned();
        match model.clusters.get(&name) {
            Some(cluster) => response.clusters.push(show::cluster(model, cluster, &include)),
            None => response.failures.push(failure(&model.arn(&format!("cluster/{name}")), "MISSING")),
        }
    }
    Ok(response)
}

/// ARNs of the active clusters.
pub fn list(
    model: &mut Model,
    request: api::ListClustersRequest,
    _turn: &mut Turn,
) -> Result<api::ListClustersResponse, EcsError> {
    let active = model.clusters.iter().filter(|cluster| cluster.active);
    let arns = active.map(|cluster| model.arn(&format!("cluster/{}", cluster.name))).collect();
    let (cluster_arns, next_token) = page(arns, request.max_results, request.next_token.as_deref())?;
    Ok(api::ListClustersResponse { cluster_arns, next_token })
}
