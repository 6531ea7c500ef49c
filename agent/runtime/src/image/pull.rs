//! A pull of our own: manifest, then missing layers side by side into the content store, then unpacking.
//!
//! Everything happens under one lease that ends by itself, so a crash leaks nothing; layers that broke off go on where
//! they stopped.

use super::content::{self, BlobWriter, CHUNK};
use super::error::{PullError, Retry, StoreError};
use super::lease::Lease;
use super::manifest::{ConfigDocument, Descriptor, Index, Manifest};
use super::reference::ImageName;
use super::registry::{RegistryAuth, Session};
use super::resolve::{self, ResolvedImage, describe, parse};
use super::{Image, store, unpack};
use crate::connect::Shared;
use crate::failpoint::failpoint;
use crate::rpc::Scope;
use crate::time::now_ms;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// What a lease lives longer than the pull, so that it cannot end under it.
const LEASE_MARGIN: Duration = Duration::from_secs(10 * 60);

/// How hard to try to reach the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As often as the settings say.
    Long,
    /// Once: there is something to fall back on.
    Short,
}

/// What is pulled, and how.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) name: ImageName,
    pub(super) auth: Option<RegistryAuth>,
    pub(super) patience: Patience,
    /// Digests of which nothing may reach containerd.
    pub(super) refused: Vec<String>,
}

/// Pulls an image, or learns that the store has what the registry has.
pub(super) async fn pull(shared: &Shared, order: &Order) -> Result<Image, PullError> {
    let started = now_ms();
    let (name, total) = (&order.name, shared.config.pull.total);
    let deadline = Instant::now() + total;
    let late = |_| PullError::Timeout { image: name.to_string(), after: total };
    let wait = |what| Wait::named(what).owner(format!("image {name}")).until(deadline);
    let reached = wait("its registry").on(reach(shared, order)).await;
    let (session, target, bytes) = match reached.map_err(late)?? {
        Reached::Unchanged(image) => return Ok(image),
        Reached::Different(session, target, bytes) => (session, target, bytes),
    };
    let digest = target.digest.clone();
    failpoint!("image.resolved");
    let lease = Lease::take(shared, "pull", total + LEASE_MARGIN).await;
    let lease = lease.map_err(|error| PullError::store(name, error).about(&digest))?;
    failpoint!("image.leased");
    let transfer = Transfer { shared, scope: &lease.scope, session: &session, name };
    // The deadline lies within the lease: a pull that runs out of time still gives its lease back.
    let transferred = wait("its layers").on(transfer.run(target, bytes)).await;
    failpoint!("image.before-lease-end" if matches!(transferred, Ok(Ok(_))));
    lease.end(matches!(transferred, Ok(Ok(_)))).await;
    let resolved = transferred.map_err(late)?.map_err(|error| error.about(&digest))?;
    let (pull_started_at_ms, pull_stopped_at_ms) = (Some(started), Some(now_ms()));
    Ok(Image { pull_started_at_ms, pull_stopped_at_ms, ..resolved.to_image(&name.to_string()) })
}

/// What the registry has.
enum Reached {
    /// The very image that the store has.
    Unchanged(Image),
    /// Another: its top document, and the conversation to go on with.
    Different(Session, Descriptor, Vec<u8>),
}

async fn reach(shared: &Shared, order: &Order) -> Result<Reached, PullError> {
    let (name, settings) = (&order.name, &shared.config.pull);
    let attempts = if order.patience == Patience::Short { 1 } else { settings.attempts };
    let (session, target, bytes) = with_retries(attempts, async || {
        let session = Session::open(name, order.auth.as_ref(), settings).await?;
        let (target, bytes) = session.target().await?;
        Ok((session, target, bytes))
    })
    .await?;
    // Before containerd hears of it.
    if order.refused.contains(&target.digest) {
        return Err(PullError::Refused { image: name.to_string(), digest: target.digest });
    }
    Ok(match unchanged(shared, name, &target).await {
        Some(image) => Reached::Unchanged(image),
        None => Reached::Different(session, target, bytes),
    })
}

/// The image of the store, when it is what the registry has.
async fn unchanged(shared: &Shared, name: &ImageName, target: &Descriptor) -> Option<Image> {
    let name = name.to_string();
    let image = resolve::by_name(shared, &name).await.ok().flatten()?;
    let same = image.target.digest == target.digest;
    (same && unpack::is_unpacked(shared, image.chain_id()).await.ok()?).then(|| image.to_image(&name))
}

/// One image on its way from the registry into the store.
struct Transfer<'a> {
    shared: &'a Shared,
    scope: &'a Scope,
    session: &'a Session,
    name: &'a ImageName,
}

impl Transfer<'_> {
    async fn run(&self, target: Descriptor, bytes: Vec<u8>) -> Result<Arc<ResolvedImage>, PullError> {
        let attempts = self.shared.config.pull.attempts;
        self.keep(&target, &bytes).await?;
        let (manifest_descriptor, bytes) = if target.is_index() {
            let index: Index = self.stored(parse(&target.digest, &bytes))?;
            let no_platform = StoreError::NoPlatform { digest: target.digest.clone() };
            let ours = index.ours().ok_or_else(|| PullError::store(self.name, no_platform))?;
            let (found, bytes) =
                with_retries(attempts, async || self.session.manifest_at(&ours.digest).await).await?;
            self.keep(&found, &bytes).await?;
            (found, bytes)
        } else {
            (target.clone(), bytes)
        };
        let manifest: Manifest = self.stored(parse(&manifest_descriptor.digest, &bytes))?;
        let bytes = with_retries(attempts, async || self.session.document(&manifest.config).await).await?;
        let config: ConfigDocument = self.stored(parse(&manifest.config.digest, &bytes))?;
        self.keep(&manifest.config, &bytes).await?;
        let image = Arc::new(self.stored(describe(target, manifest_descriptor, manifest, &config))?);
        failpoint!("image.documents-kept");
        self.fetch_layers(&image.manifest.layers).await?;
        self.stored(store::admit(self.shared, self.scope, &self.name.to_string(), &image).await)?;
        Ok(image)
    }

    fn stored<T>(&self, result: Result<T, StoreError>) -> Result<T, PullError> {
        result.map_err(|error| PullError::store(self.name, error))
    }

    async fn keep(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), PullError> {
        let kept = content::put(self.shared, self.scope, descriptor, bytes, &HashMap::new()).await;
        self.stored(kept.map_err(StoreError::from_write))
    }

    async fn fetch_layers(&self, layers: &[Descriptor]) -> Result<(), PullError> {
        // A manifest may name one layer twice; two writers of one blob would be in each other's way.
        let distinct: BTreeMap<&str, &Descriptor> =
            layers.iter().map(|layer| (layer.digest.as_str(), layer)).collect();
        futures_util::stream::iter(distinct.into_values().map(Ok))
            .try_for_each_concurrent(self.shared.config.pull.parallel_layers.max(1), |layer| {
                self.fetch_layer(layer)
            })
            .await
    }

    async fn fetch_layer(&self, layer: &Descriptor) -> Result<(), PullError> {
        with_retries(self.shared.config.pull.attempts, async || {
            let fetched = self.try_layer(layer).await;
            if matches!(fetched, Err(PullError::DigestMismatch { .. })) {
                // What is there is wrong: the next try must not go on from it.
                content::abort(self.shared, self.scope, &layer.digest).await;
            }
            fetched
        })
        .await
    }

    async fn try_layer(&self, layer: &Descriptor) -> Result<(), PullError> {
        let write = |error| PullError::store(self.name, StoreError::from_write(error));
        let Some(mut blob) = BlobWriter::open(self.shared, self.scope, layer).await.map_err(write)? else {
            return Ok(());
        };
        let mut pending = Vec::with_capacity(CHUNK);
        if blob.offset() < layer.size {
            let offset = u64::try_from(blob.offset()).unwrap_or(0);
            let mut parts = self.session.blob(layer, offset).await?;
            while let Some(part) = parts.next().await {
                pending.extend_from_slice(&part?);
                while pending.len() >= CHUNK {
                    let rest = pending.split_off(CHUNK);
                    blob.write(std::mem::replace(&mut pending, rest)).await.map_err(write)?;
                }
            }
        }
        if !pending.is_empty() {
            blob.write(pending).await.map_err(write)?;
        }
        if blob.offset() < layer.size {
            let detail =
                format!("layer {} ended after {} of {} bytes", layer.digest, blob.offset(), layer.size);
            return Err(PullError::Unreachable { image: self.name.to_string(), detail });
        }
        failpoint!("image.layer-written");
        blob.commit(HashMap::new()).await.map_err(|error| match error.code() {
            // containerd's word for "not the digest or length that was expected".
            Some(tonic::Code::FailedPrecondition) => {
                PullError::DigestMismatch { image: self.name.to_string(), detail: layer.digest.clone() }
            }
            _ => write(error),
        })
    }
}

/// Tries until it succeeds, cannot succeed, or has been tried often enough.
async fn with_retries<T, F: Future<Output = Result<T, PullError>>>(
    attempts: u32,
    work: impl Fn() -> F,
) -> Result<T, PullError> {
    let mut delay = FIRST_DELAY;
    for _ in 1..attempts {
        match work().await {
            Err(error) if error.retry() == Retry::Backoff => {
                tracing::debug!(%error, ?delay, "trying again");
                Wait::named("before the next try of the registry").owner("images").pause(delay).await;
                delay = (delay * 2).min(LONGEST_DELAY);
            }
            other => return other,
        }
    }
    work().await
}
