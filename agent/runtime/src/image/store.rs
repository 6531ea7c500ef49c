//! Names in containerd's image store, and what keeps an image from being collected once the lease is gone.

use super::content::set_labels;
use super::error::{RemoveImageError, StoreError};
use super::resolve::ResolvedImage;
use super::unpack::unpack;
use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::rpc::{self, QUICK, RpcError, SLOW, Scope};
use containerd_client::services::v1::{
    CreateImageRequest, DeleteImageRequest, Image as ImageRecord, ListImagesRequest, UpdateImageRequest,
};
use prost_types::FieldMask;
use std::collections::HashMap;
use std::sync::Arc;

/// An image of the store as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedImage {
    /// Full name.
    pub name: String,
    /// Digest of what the name points at.
    pub digest: String,
    /// When the name was first made, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
}

impl Containerd {
    /// Lists the images of our namespace.
    pub async fn images(&self) -> Result<Vec<ListedImage>, RpcError> {
        let request = ListImagesRequest::default();
        let answer = rpc::call("Images.List", QUICK, self.shared.image_store().list(request)).await?;
        let listed = |image: ImageRecord| ListedImage {
            name: image.name,
            digest: image.target.unwrap_or_default().digest,
            created_at_ms: crate::time::from_proto(image.created_at),
        };
        Ok(answer.images.into_iter().map(listed).collect())
    }

    /// Removes a name from the store, by its full form; containers that use the image are not disturbed.
    ///
    /// What no other name or container needs is collected before this returns. A missing image is fine.
    pub async fn remove_image(&self, name: &str) -> Result<(), RemoveImageError> {
        self.shared.images.forget(name);
        let request =
            DeleteImageRequest { name: name.to_owned(), sync: true, ..DeleteImageRequest::default() };
        let answer = rpc::call("Images.Delete", SLOW, self.shared.image_store().delete(request)).await;
        rpc::found(answer).map(drop).map_err(|source| RemoveImageError { image: name.to_owned(), source })
    }
}

/// Unpacks an image whose content is all there, ties its parts together, and gives it a name.
pub(super) async fn admit(
    shared: &Shared,
    scope: &Scope,
    name: &str,
    image: &Arc<ResolvedImage>,
) -> Result<(), StoreError> {
    unpack(shared, scope, image).await?;
    failpoint!("image.unpacked");
    tie(shared, scope, image).await?;
    failpoint!("image.tied");
    set_name(shared, scope, name, image).await?;
    shared.images.remember(name, image);
    Ok(())
}

/// containerd collects what nothing refers to; it learns what refers to what from labels alone.
async fn tie(shared: &Shared, scope: &Scope, image: &ResolvedImage) -> Result<(), RpcError> {
    let manifest = &image.manifest;
    if image.target.digest != image.manifest_descriptor.digest {
        let labels = label("containerd.io/gc.ref.content.m.0", &image.manifest_descriptor.digest);
        set_labels(shared, scope, &image.target.digest, &labels).await?;
    }
    let mut labels = label("containerd.io/gc.ref.content.config", &manifest.config.digest);
    for (number, layer) in manifest.layers.iter().enumerate() {
        labels.insert(format!("containerd.io/gc.ref.content.l.{number}"), layer.digest.clone());
    }
    set_labels(shared, scope, &image.manifest_descriptor.digest, &labels).await?;
    for (layer, diff_id) in manifest.layers.iter().zip(&image.diff_ids) {
        set_labels(shared, scope, &layer.digest, &label("containerd.io/uncompressed", diff_id)).await?;
    }
    if !image.chain_ids.is_empty() {
        let key = format!("containerd.io/gc.ref.snapshot.{}", shared.config.snapshotter);
        set_labels(shared, scope, &manifest.config.digest, &label(&key, image.chain_id())).await?;
    }
    Ok(())
}

fn label(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_owned())])
}

async fn set_name(shared: &Shared, scope: &Scope, name: &str, image: &ResolvedImage) -> Result<(), RpcError> {
    let target = Some(image.target.to_proto());
    let record = ImageRecord { name: name.to_owned(), target, ..ImageRecord::default() };
    let mut images = shared.image_store_in(scope);
    let request = CreateImageRequest { image: Some(record.clone()), ..CreateImageRequest::default() };
    match rpc::call("Images.Create", QUICK, images.create(request)).await {
        Err(error) if error.is_already_exists() => {
            let mask = FieldMask { paths: vec!["target".to_owned()] };
            let request = UpdateImageRequest {
                image: Some(record),
                update_mask: Some(mask),
                ..UpdateImageRequest::default()
            };
            rpc::call("Images.Update", QUICK, images.update(request)).await.map(drop)
        }
        other => other.map(drop),
    }
}
