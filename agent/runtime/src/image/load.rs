//! Images from a tar file into the store: for machines without a registry, and for the demonstration.

use super::content::{self, BlobWriter, CHUNK};
use super::error::{LoadError, StoreError};
use super::layout::{Archive, Promised, Span};
use super::lease::Lease;
use super::manifest::{ConfigDocument, Descriptor, Index, Manifest};
use super::reference::ImageName;
use super::resolve::{ResolvedImage, describe, parse};
use super::store;
use crate::connect::{Containerd, Shared};
use crate::rpc::Scope;
use std::collections::HashMap;
use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use wharf_wait::Wait;

/// A lease for one load: far longer than any takes, short enough that a crash does not fill the disk for days.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl Containerd {
    /// Loads every image of an OCI image layout or `docker save` tar, unpacks it and returns the full names.
    pub async fn load(&self, tar: &Path) -> Result<Vec<String>, LoadError> {
        let lease = Lease::take(&self.shared, "load", LONGEST).await;
        let lease = lease.map_err(|error| LoadError::Store { path: tar.to_owned(), source: error.into() })?;
        let names = load_all(&self.shared, &lease.scope, tar).await;
        lease.end(names.is_ok()).await;
        names
    }
}

async fn load_all(shared: &Shared, scope: &Scope, tar: &Path) -> Result<Vec<String>, LoadError> {
    let path = tar.to_owned();
    let (archive, images) = blocking(move || {
        let archive = Archive::open(&path)?;
        let images = archive.images()?;
        Ok((archive, images))
    })
    .await?;
    let archive = Arc::new(archive);
    let stored = |source| LoadError::Store { path: tar.to_owned(), source };
    let mut names = Vec::new();
    for image in &images {
        let resolved = Arc::new(ingest(shared, scope, &archive, image).await?);
        for name in &image.names {
            let name = ImageName::parse(name)
                .map_err(|source| LoadError::Name { path: tar.to_owned(), source })?
                .to_string();
            store::admit(shared, scope, &name, &resolved).await.map_err(stored)?;
            names.push(name);
        }
    }
    Ok(names)
}

/// Brings all content of one image into the store.
async fn ingest(
    shared: &Shared,
    scope: &Scope,
    archive: &Arc<Archive>,
    image: &Promised,
) -> Result<ResolvedImage, LoadError> {
    let stored = |source: StoreError| LoadError::Store { path: archive.path.clone(), source };
    let target = image.target.clone();
    let manifest_descriptor = if target.is_index() {
        let bytes = document(shared, scope, archive, image, &target).await?;
        let index: Index = parse(&target.digest, &bytes).map_err(stored)?;
        let ours = index.ours().cloned();
        ours.ok_or_else(|| stored(StoreError::NoPlatform { digest: target.digest.clone() }))?
    } else {
        target.clone()
    };
    let bytes = document(shared, scope, archive, image, &manifest_descriptor).await?;
    let manifest: Manifest = parse(&manifest_descriptor.digest, &bytes).map_err(stored)?;
    let bytes = document(shared, scope, archive, image, &manifest.config).await?;
    let config: ConfigDocument = parse(&manifest.config.digest, &bytes).map_err(stored)?;
    let resolved = describe(target, manifest_descriptor, manifest, &config).map_err(stored)?;
    for layer in &resolved.manifest.layers {
        let span = find(archive, image, &layer.digest)?;
        copy_blob(shared, scope, archive, layer, span).await?;
    }
    Ok(resolved)
}

fn find(archive: &Archive, image: &Promised, digest: &str) -> Result<Span, LoadError> {
    let span = image.spans.get(digest).copied().or_else(|| archive.blob(digest));
    span.ok_or_else(|| archive.missing(digest))
}

async fn document(
    shared: &Shared,
    scope: &Scope,
    archive: &Arc<Archive>,
    image: &Promised,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, LoadError> {
    let bytes = match image.made.get(&descriptor.digest) {
        Some(made) => made.clone(),
        None => {
            let (archive, span) = (archive.clone(), find(archive, image, &descriptor.digest)?);
            blocking(move || archive.bytes(span)).await?
        }
    };
    let put = content::put(shared, scope, descriptor, &bytes, &HashMap::new()).await;
    put.map_err(|error| LoadError::Store {
        path: archive.path.clone(),
        source: StoreError::from_write(error),
    })?;
    Ok(bytes)
}

/// Streams a blob out of the archive; one that was broken off before goes on where it stopped.
async fn copy_blob(
    shared: &Shared,
    scope: &Scope,
    archive: &Archive,
    layer: &Descriptor,
    span: Span,
) -> Result<(), LoadError> {
    let read = |source| LoadError::Read { path: archive.path.clone(), source };
    let stored =
        |error| LoadError::Store { path: archive.path.clone(), source: StoreError::from_write(error) };
    let Some(mut blob) = BlobWriter::open(shared, scope, layer).await.map_err(stored)? else { return Ok(()) };
    let start = u64::try_from(blob.offset()).unwrap_or(0).min(span.size);
    let mut file = tokio::fs::File::open(&archive.path).await.map_err(read)?;
    file.seek(SeekFrom::Start(span.offset + start)).await.map_err(read)?;
    let mut rest = file.take(span.size - start);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut rest).take(CHUNK as u64).read_to_end(&mut chunk).await.map_err(read)?;
        if chunk.is_empty() {
            break;
        }
        blob.write(chunk).await.map_err(stored)?;
    }
    blob.commit(HashMap::new()).await.map_err(stored)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let reading = Wait::endless(
        "an archive to be read",
        "it is as large as it is; the operator who asked for it waits and can end it",
    );
    reading.of(wharf_wait::blocking(work)).await
}
