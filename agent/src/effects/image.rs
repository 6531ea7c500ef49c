//! Effects on images.

use super::container::postponed;
use super::{World, codes};
use crate::causes::chain;
use crate::failpoint::failpoint;
use crate::seam::{Outside, Runtime as _};
use wharf_core::event::{ContainerRef, Event, ResolvedImage};
use wharf_core::reason::Reason;
use wharf_core::time::Timestamp;
use wharf_core::work::Act;
use wharf_runtime::{Image, PullError, RegistryAuth};

impl<O: Outside> World<O> {
    pub(super) async fn pull_image(
        &self,
        container: ContainerRef,
        image: String,
        refused: Vec<String>,
    ) -> Event {
        failpoint!("image.before");
        let ensured = self.runtime.ensure_image(&image, self.auth_for(&image), self.pull, &refused).await;
        failpoint!("image.after" if ensured.is_ok());
        match ensured {
            Ok(found) => Event::ImageReady { container, image: resolved(&found) },
            Err(PullError::Refused { digest, .. }) => Event::ImageRefused { container, digest },
            Err(ref error @ PullError::Away { ref digest, ref source, .. }) => {
                let suspect = digest.clone().filter(|_| source.has_ended());
                postponed(container, Act::Pull, codes::pull(error), error, suspect)
            }
            Err(error) => {
                let reason = Reason::new(codes::pull(&error), chain(&error));
                Event::ImageFailed { container, reason }
            }
        }
    }

    /// Credentials for the registry that the reference names.
    fn auth_for(&self, image: &str) -> Option<&RegistryAuth> {
        let host = image.split('/').next().filter(|host| image.contains('/') && host.contains(['.', ':']));
        self.registry_auth.get(host.unwrap_or("docker.io"))
    }
}

fn resolved(image: &Image) -> ResolvedImage {
    ResolvedImage {
        name: image.name.clone(),
        digest: image.digest.clone(),
        config_digest: image.config_digest.clone(),
        pull_started_at: image.pull_started_at_ms.map(Timestamp::from_millis),
        pull_stopped_at: image.pull_stopped_at_ms.map(Timestamp::from_millis),
    }
}
