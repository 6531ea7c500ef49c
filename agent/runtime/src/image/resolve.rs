//! From a name to what a container needs: target, manifest, configuration, chain id. Remembered by target digest.

use super::error::StoreError;
use super::manifest::{ConfigDocument, Descriptor, Index, Manifest};
use super::{Image, ImageConfig, content};
use crate::connect::Shared;
use crate::rpc::{self, QUICK, RpcError};
use containerd_client::services::v1::GetImageRequest;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Remembered images; past this the memory starts anew, for it is only a short cut.
const REMEMBERED: usize = 512;

/// What is behind a target digest. It never changes, since the digest is its hash.
#[derive(Debug)]
pub(crate) struct ResolvedImage {
    pub(crate) target: Descriptor,
    pub(crate) manifest: Manifest,
    pub(crate) manifest_descriptor: Descriptor,
    pub(crate) diff_ids: Vec<String>,
    pub(crate) chain_ids: Vec<String>,
    pub(crate) config: ImageConfig,
}

impl ResolvedImage {
    /// Name of the topmost unpacked layer; empty for an image without layers.
    pub(crate) fn chain_id(&self) -> &str {
        self.chain_ids.last().map_or("", String::as_str)
    }

    pub(crate) fn to_image(&self, name: &str) -> Image {
        Image {
            name: name.to_owned(),
            digest: Some(self.target.digest.clone()),
            config_digest: self.manifest.config.digest.clone(),
            chain_id: self.chain_id().to_owned(),
            config: self.config.clone(),
            pull_started_at_ms: None,
            pull_stopped_at_ms: None,
        }
    }
}

/// Images that were resolved before, by target digest, and which target each name had when last asked.
#[derive(Debug, Default)]
pub(crate) struct ImageCache {
    // Plain mutexes: held for a look-up, never across an await.
    by_digest: Mutex<HashMap<String, Arc<ResolvedImage>>>,
    by_name: Mutex<HashMap<String, Arc<ResolvedImage>>>,
    pub(super) flights: super::flight::Flights,
}

impl ImageCache {
    fn digest(&self, digest: &str) -> Option<Arc<ResolvedImage>> {
        self.by_digest.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Returns what a name pointed at when it was last looked up.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<ResolvedImage>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn remember(&self, name: &str, image: &Arc<ResolvedImage>) {
        keep(&self.by_digest, &image.target.digest, image);
        keep(&self.by_name, name, image);
    }

    pub(crate) fn forget(&self, name: &str) {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

fn keep(map: &Mutex<HashMap<String, Arc<ResolvedImage>>>, key: &str, image: &Arc<ResolvedImage>) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key.to_owned(), image.clone());
}

/// Looks a name up in the store; `None` when no image has it.
pub(crate) async fn by_name(shared: &Shared, name: &str) -> Result<Option<Arc<ResolvedImage>>, StoreError> {
    match target(shared, name).await? {
        Some(target) => named_target(shared, name, target).await.map(Some),
        None => Ok(None),
    }
}

/// What a name of the store points at; nothing of the image is read for it.
pub(super) async fn target(shared: &Shared, name: &str) -> Result<Option<Descriptor>, RpcError> {
    let request = GetImageRequest { name: name.to_owned() };
    let answer = rpc::found(rpc::call("Images.Get", QUICK, shared.image_store().get(request)).await)?;
    let target = answer.and_then(|answer| answer.image).and_then(|image| image.target);
    if target.is_none() {
        shared.images.forget(name);
    }
    Ok(target.map(Descriptor::from_proto))
}

/// Reads manifest and configuration behind a name's target.
pub(super) async fn named_target(
    shared: &Shared,
    name: &str,
    target: Descriptor,
) -> Result<Arc<ResolvedImage>, StoreError> {
    let image = by_target(shared, target).await?;
    shared.images.remember(name, &image);
    Ok(image)
}

/// Reads manifest and configuration behind a target.
pub(crate) async fn by_target(shared: &Shared, target: Descriptor) -> Result<Arc<ResolvedImage>, StoreError> {
    if let Some(known) = shared.images.digest(&target.digest) {
        return Ok(known);
    }
    let manifest_descriptor = if target.is_index() {
        let index: Index = document(shared, &target.digest).await?;
        index.ours().cloned().ok_or_else(|| StoreError::NoPlatform { digest: target.digest.clone() })?
    } else {
        target.clone()
    };
    let manifest: Manifest = document(shared, &manifest_descriptor.digest).await?;
    let config: ConfigDocument = document(shared, &manifest.config.digest).await?;
    describe(target, manifest_descriptor, manifest, &config).map(Arc::new)
}

/// Puts the documents of an image together, after checking that they fit.
pub(crate) fn describe(
    target: Descriptor,
    manifest_descriptor: Descriptor,
    manifest: Manifest,
    config: &ConfigDocument,
) -> Result<ResolvedImage, StoreError> {
    if !config.is_ours() {
        return Err(StoreError::NoPlatform { digest: manifest_descriptor.digest });
    }
    if let Some(layer) = manifest.layers.iter().find(|layer| !layer.is_layer()) {
        return Err(StoreError::UnsupportedMedia { media_type: layer.media_type.clone() });
    }
    if manifest.layers.len() != config.rootfs.diff_ids.len() {
        return Err(StoreError::LayersDoNotMatch { digest: manifest_descriptor.digest });
    }
    Ok(ResolvedImage {
        target,
        manifest,
        manifest_descriptor,
        diff_ids: config.rootfs.diff_ids.clone(),
        chain_ids: config.rootfs.chain_ids(),
        config: config.process_defaults(),
    })
}

async fn document<T: DeserializeOwned>(shared: &Shared, digest: &str) -> Result<T, StoreError> {
    parse(digest, &content::read(shared, digest).await?)
}

/// Reads one JSON document of an image.
pub(crate) fn parse<T: DeserializeOwned>(digest: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Document { digest: digest.to_owned(), source })
}
