//! Layers become snapshots, one on top of the other, each checked against what the image promises.

use super::error::StoreError;
use super::lease::unique;
use super::resolve::ResolvedImage;
use crate::connect::Shared;
use crate::failpoint::failpoint;
use crate::rpc::{self, QUICK, RpcError, Scope};
use containerd_client::services::v1::ApplyRequest;
use containerd_client::services::v1::snapshots::{
    CommitSnapshotRequest, PrepareSnapshotRequest, RemoveSnapshotRequest, StatSnapshotRequest,
};
use containerd_client::types::Mount;
use std::time::Duration;

/// Unpacking one layer: gigabytes take minutes on a slow disk.
const APPLY: Duration = Duration::from_secs(20 * 60);

/// True when the topmost layer is there, which its parents then are too.
pub(crate) async fn is_unpacked(shared: &Shared, chain_id: &str) -> Result<bool, RpcError> {
    if chain_id.is_empty() {
        return Ok(true);
    }
    let request =
        StatSnapshotRequest { snapshotter: shared.config.snapshotter.clone(), key: chain_id.to_owned() };
    let answer = rpc::call("Snapshots.Stat", QUICK, shared.snapshots().stat(request)).await;
    rpc::found(answer).map(|found| found.is_some())
}

/// Unpacks the layers that are not unpacked yet. Their content has to be in the store.
pub(crate) async fn unpack(shared: &Shared, scope: &Scope, image: &ResolvedImage) -> Result<(), StoreError> {
    // Layers found unpacked may be collected while we look, were they not held: hence under the lease, from the bottom.
    if is_unpacked(shared, image.chain_id()).await? {
        return Ok(());
    }
    for level in 0..image.chain_ids.len() {
        let chain_id = &image.chain_ids[level];
        if !is_unpacked(shared, chain_id).await? {
            let key = format!("extract-{}-{chain_id}", unique());
            let done = unpack_layer(shared, scope, image, level, &key).await;
            if !matches!(done, Ok(Committed::ByUs)) {
                discard(shared, scope, &key).await;
            }
            done?;
        }
    }
    Ok(())
}

/// Who made the snapshot that is now there.
enum Committed {
    ByUs,
    ByAnother,
}

async fn unpack_layer(
    shared: &Shared,
    scope: &Scope,
    image: &ResolvedImage,
    level: usize,
    key: &str,
) -> Result<Committed, StoreError> {
    let layer = &image.manifest.layers[level];
    let parent = level.checked_sub(1).map_or("", |below| image.chain_ids[below].as_str());
    let mounts = prepare(shared, scope, key, parent).await?;
    failpoint!("image.unpack-prepared");
    let request = ApplyRequest { diff: Some(layer.to_proto()), mounts, ..ApplyRequest::default() };
    let applied = rpc::call("Diff.Apply", APPLY, shared.diff_in(scope).apply(request)).await;
    let applied = applied.map_err(StoreError::from_write)?.applied.unwrap_or_default();
    if applied.digest != image.diff_ids[level] {
        let (layer, expected) = (layer.digest.clone(), image.diff_ids[level].clone());
        return Err(StoreError::DiffIdMismatch { layer, expected, actual: applied.digest });
    }
    failpoint!("image.unpack-applied");
    let request = CommitSnapshotRequest {
        snapshotter: shared.config.snapshotter.clone(),
        name: image.chain_ids[level].clone(),
        key: key.to_owned(),
        ..CommitSnapshotRequest::default()
    };
    match rpc::call("Snapshots.Commit", QUICK, shared.snapshots_in(scope).commit(request)).await {
        Ok(()) => Ok(Committed::ByUs),
        Err(error) if error.is_already_exists() => Ok(Committed::ByAnother),
        Err(error) => Err(error.into()),
    }
}

async fn prepare(shared: &Shared, scope: &Scope, key: &str, parent: &str) -> Result<Vec<Mount>, RpcError> {
    let request = PrepareSnapshotRequest {
        snapshotter: shared.config.snapshotter.clone(),
        key: key.to_owned(),
        parent: parent.to_owned(),
        ..PrepareSnapshotRequest::default()
    };
    let answer = rpc::call("Snapshots.Prepare", QUICK, shared.snapshots_in(scope).prepare(request)).await?;
    Ok(answer.mounts)
}

async fn discard(shared: &Shared, scope: &Scope, key: &str) {
    let request =
        RemoveSnapshotRequest { snapshotter: shared.config.snapshotter.clone(), key: key.to_owned() };
    let answer = rpc::call("Snapshots.Remove", QUICK, shared.snapshots_in(scope).remove(request)).await;
    if let Err(error) = rpc::found(answer) {
        tracing::warn!(%error, key, "half-unpacked layer not removed, containerd will collect it");
    }
}
