//! "Have this image": the one entry for whoever wants to run one.

use super::error::PullError;
use super::lease::Lease;
use super::pull::{self, Order, Patience};
use super::reference::ImageName;
use super::registry::RegistryAuth;
use super::resolve::{self, ResolvedImage};
use super::{Image, StoreError, store, unpack};
use crate::connect::{Containerd, Shared};
use crate::rpc::RpcError;
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
    /// the same time share one pull, which goes on when they go away. Of an image whose digest is among `refused` nothing
    /// reaches containerd.
    pub async fn ensure_image(
        &self,
        reference: &str,
        auth: Option<&RegistryAuth>,
        policy: PullPolicy,
        refused: &[String],
    ) -> Result<Image, PullError> {
        let name = ImageName::parse(reference)?;
        let image = name.to_string();
        let away = |digest, source| PullError::Away { image: image.clone(), digest, source };
        let witness = self.shared.witness().await.map_err(|source| away(None, source))?;
        let (auth, refused) = (auth.cloned(), refused.to_vec());
        let order = Order { name, auth, patience: Patience::Long, refused };
        let Missed { error, instead } = match self.have(order, policy).await {
            Ok(image) => return Ok(image),
            Err(missed) => missed,
        };
        // Also where there is something to fall back on: a pull that ends containerd is no registry's failure.
        if let Some(absence) = self.shared.absence(witness, error.rpc()).await {
            return Err(away(error.digest().map(str::to_owned), absence));
        }
        let Some(instead) = instead else { return Err(error) };
        tracing::warn!(image, %error, "pull failed, using the image in the store");
        Ok(instead)
    }

    async fn have(&self, order: Order, policy: PullPolicy) -> Result<Image, Missed> {
        let look = async || cached(&self.shared, &order.name, &order.refused).await;
        match policy {
            PullPolicy::Never => {
                let not_there = PullError::NotInStore { image: order.name.to_string() };
                look().await?.ok_or_else(|| not_there.into())
            }
            PullPolicy::Always => Ok(self.shared_pull(order).await?),
            PullPolicy::IfMissing => match look().await {
                Ok(Some(image)) => Ok(image),
                Ok(None) => Ok(self.shared_pull(order).await?),
                // The registry may have another image for the name by now.
                Err(refused @ PullError::Refused { .. }) => self.pull_or(order, Err(refused)).await,
                Err(error) => Err(error.into()),
            },
            PullPolicy::Default => match look().await {
                Err(error) if error.rpc().is_some_and(RpcError::is_broken) => Err(error.into()),
                found => self.pull_or(order, found).await,
            },
        }
    }

    /// Asks the registry, with what the store has in mind.
    async fn pull_or(&self, order: Order, found: Result<Option<Image>, PullError>) -> Result<Image, Missed> {
        let patience = match found {
            Ok(Some(_)) | Err(PullError::Refused { .. }) => Patience::Short,
            Ok(None) | Err(_) => Patience::Long,
        };
        match (self.shared_pull(Order { patience, ..order }).await, found) {
            (Ok(image), _) => Ok(image),
            (Err(error), Ok(instead)) => Err(Missed { error, instead }),
            // A registry that has nothing better is not the cause.
            (Err(error), Err(refused @ PullError::Refused { .. })) if error.rpc().is_none() => {
                Err(refused.into())
            }
            (Err(error), Err(_)) => Err(error.into()),
        }
    }

    async fn shared_pull(&self, order: Order) -> Result<Image, PullError> {
        let Order { name, auth, patience, .. } = &order;
        let key = format!("{name} {} {patience:?}", RegistryAuth::fingerprint(auth.as_ref()));
        let abandoned = PullError::Abandoned { image: name.to_string() };
        let closing = self.shared.closing.clone();
        // Weak: a pull must not keep a connection alive that everyone else has dropped.
        let shared: Weak<Shared> = Arc::downgrade(&self.shared);
        let gone = abandoned.clone();
        let work = async move {
            let Some(shared) = shared.upgrade() else { return Err(gone) };
            // `run_until_cancelled` drops the pull at an await: its lease and half-written content then expire.
            // On the heap: all that a pull may wait for is more than a worker's stack should be asked to hold and hand on.
            let pull = Box::pin(pull::pull(&shared, &order));
            closing.run_until_cancelled(pull).await.unwrap_or(Err(gone))
        };
        self.shared.images.flights.join(key, &self.shared.tasks, work).await.unwrap_or(Err(abandoned))
    }
}

/// An image that was asked for and cannot be had.
struct Missed {
    error: PullError,
    /// What the store has under its name, and will do.
    instead: Option<Image>,
}

impl From<PullError> for Missed {
    fn from(error: PullError) -> Self {
        Self { error, instead: None }
    }
}

/// Looks an image up in the store, and unpacks it when only that is missing; nothing is done with one that is refused.
pub(super) async fn cached(
    shared: &Shared,
    name: &ImageName,
    refused: &[String],
) -> Result<Option<Image>, PullError> {
    let full = name.to_string();
    // What it was last time is most likely what it is: both questions at once.
    let known = shared.images.named(&full).filter(|known| !refused.contains(&known.target.digest));
    let unpacked = async {
        match &known {
            Some(known) => unpack::is_unpacked(shared, known.chain_id()).await,
            None => Ok(false),
        }
    };
    let (target, unpacked) = tokio::join!(resolve::target(shared, &full), unpacked);
    let Some(target) = target.map_err(|error| PullError::store(name, error))? else { return Ok(None) };
    let digest = target.digest.clone();
    if refused.contains(&digest) {
        return Err(PullError::Refused { image: full, digest });
    }
    let read = async {
        let found = resolve::named_target(shared, &full, target).await?;
        let same = known.is_some_and(|known| known.target.digest == found.target.digest);
        if !(same && unpacked?) {
            unpack_cached(shared, &full, &found).await?;
        }
        Ok(Some(found.to_image(&full)))
    };
    match read.await {
        // A name whose content was never fetched, or not for this machine, is as good as none.
        Err(StoreError::Rpc(error)) if error.is_not_found() => Ok(None),
        other => other.map_err(|error| PullError::store(name, error).about(&digest)),
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
