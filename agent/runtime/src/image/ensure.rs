//! "Have this image": the one entry for whoever wants to run one.

use super::error::PullError;
use super::lease::Lease;
use super::reference::ImageName;
use super::registry::RegistryAuth;
use super::resolve::{self, ResolvedImage};
use super::{Image, StoreError, pull, store, unpack};
use crate::connect::{Containerd, Shared};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A lease for unpacking what is in the store already.
const UNPACKING: Duration = Duration::from_secs(60 * 60);

/// When to ask the registry. Source: features 8, `ECS_IMAGE_PULL_BEHAVIOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Ask every time; what the store has will do when the registry fails.
    #[default]
    Default,
    /// Ask every time; a registry that fails is an error.
    Always,
    /// Ask only when the store does not have it.
    IfMissing,
    /// Never ask.
    Never,
}

impl Containerd {
    /// Has an image in the store and unpacked, and returns it.
    ///
    /// Two calls to containerd when it is there already. Callers that want the same image with the same credentials at
    /// the same time share one pull, which goes on when they go away.
    pub async fn ensure_image(
        &self,
        reference: &str,
        auth: Option<&RegistryAuth>,
        policy: PullPolicy,
    ) -> Result<Image, PullError> {
        let name = ImageName::parse(reference)?;
        let away = |source| PullError::Away { image: name.to_string(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let error = match self.have(&name, auth, policy).await {
            Ok(image) => return Ok(image),
            Err(error) => error,
        };
        Err(self.shared.absence(witness, error.rpc()).await.map_or(error, away))
    }

    async fn have(
        &self,
        name: &ImageName,
        auth: Option<&RegistryAuth>,
        policy: PullPolicy,
    ) -> Result<Image, PullError> {
        match policy {
            PullPolicy::Never => {
                let cached = cached(&self.shared, name).await?;
                cached.ok_or_else(|| PullError::NotInStore { image: name.to_string() })
            }
            PullPolicy::IfMissing => match cached(&self.shared, name).await? {
                Some(image) => Ok(image),
                None => self.shared_pull(name, auth, pull::Patience::Long).await,
            },
            PullPolicy::Always => self.shared_pull(name, auth, pull::Patience::Long).await,
            PullPolicy::Default => self.pull_or_cached(name, auth).await,
        }
    }

    async fn pull_or_cached(
        &self,
        name: &ImageName,
        auth: Option<&RegistryAuth>,
    ) -> Result<Image, PullError> {
        let fallback = cached(&self.shared, name).await.ok().flatten();
        let patience = if fallback.is_some() { pull::Patience::Short } else { pull::Patience::Long };
        match (self.shared_pull(name, auth, patience).await, fallback) {
            (Err(error), Some(image)) => {
                tracing::warn!(image = %name, %error, "pull failed, using the image in the store");
                Ok(image)
            }
            (result, _) => result,
        }
    }

    async fn shared_pull(
        &self,
        name: &ImageName,
        auth: Option<&RegistryAuth>,
        patience: pull::Patience,
    ) -> Result<Image, PullError> {
        let key = format!("{name} {} {patience:?}", RegistryAuth::fingerprint(auth));
        let abandoned = PullError::Abandoned { image: name.to_string() };
        let (name, auth, closing) = (name.clone(), auth.cloned(), self.shared.closing.clone());
        // Weak: a pull must not keep a connection alive that everyone else has dropped.
        let shared: Weak<Shared> = Arc::downgrade(&self.shared);
        let gone = abandoned.clone();
        let work = async move {
            let Some(shared) = shared.upgrade() else { return Err(gone) };
            // `run_until_cancelled` drops the pull at an await: its lease and half-written content then expire.
            // On the heap: all that a pull may wait for is more than a worker's stack should be asked to hold and hand on.
            let pull = Box::pin(pull::pull(&shared, &name, auth.as_ref(), patience));
            closing.run_until_cancelled(pull).await.unwrap_or(Err(gone))
        };
        self.shared.images.flights.join(key, &self.shared.tasks, work).await.unwrap_or(Err(abandoned))
    }
}

/// Looks an image up in the store, and unpacks it when only that is missing.
pub(super) async fn cached(shared: &Shared, name: &ImageName) -> Result<Option<Image>, PullError> {
    let full = name.to_string();
    let look_up = async {
        // What it was last time is most likely what it is: both questions at once.
        let known = shared.images.named(&full);
        let unpacked = async {
            match &known {
                Some(known) => unpack::is_unpacked(shared, known.chain_id()).await,
                None => Ok(false),
            }
        };
        let (found, unpacked) = tokio::join!(resolve::by_name(shared, &full), unpacked);
        let Some(found) = found? else { return Ok(None) };
        let same = known.is_some_and(|known| known.target.digest == found.target.digest);
        if !(same && unpacked?) {
            unpack_cached(shared, &full, &found).await?;
        }
        Ok(Some(found.to_image(&full)))
    };
    match look_up.await {
        // A name whose content was never fetched, or not for this machine, is as good as none.
        Err(StoreError::Rpc(error)) if error.is_not_found() => Ok(None),
        other => other.map_err(|error| PullError::store(name, error)),
    }
}

async fn unpack_cached(shared: &Shared, name: &str, image: &Arc<ResolvedImage>) -> Result<(), StoreError> {
    if unpack::is_unpacked(shared, image.chain_id()).await? {
        return Ok(());
    }
    let lease = Lease::take(shared, "unpack", UNPACKING).await?;
    let admitted = store::admit(shared, &lease.scope, name, image).await;
    lease.end(admitted.is_ok()).await;
    admitted
}
