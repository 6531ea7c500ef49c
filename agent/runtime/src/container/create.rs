//! Creating: a record, a snapshot, and a process that waits to be started.

use super::make::create_task;
use super::record::{Record, record};
use super::{CreateContainer, stale};
use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::image::{self, ResolvedImage, StoreError};
use crate::presence::{Absence, stumbles};
use crate::rpc::{self, QUICK, RpcError};
use crate::spec::{SpecError, UserError, Wanted, build, resolve_user};
use containerd_client::services::v1::GetRequest;
use containerd_client::types::v1::Status;
use prost_types::Any;
use std::sync::Arc;
use std::time::Duration;
use wharf_wait::Wait;

/// containerd decodes specs by this name: no scheme, no slash before it.
const SPEC_TYPE: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
/// Time that it is given before a second try.
const ANEW: Duration = Duration::from_secs(3);

/// Why a container was not created. Nothing of it is left, but for [`CreateError::Away`].
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The image is not in the store.
    #[error("image {image} of container {id} is not in the store")]
    NoImage {
        /// Id of the container.
        id: String,
        /// Name of the image.
        image: String,
    },
    /// The image in the store is damaged.
    #[error("image {image} of container {id} cannot be used")]
    Image {
        /// Id of the container.
        id: String,
        /// Name of the image.
        image: String,
        /// What is wrong.
        #[source]
        source: StoreError,
    },
    /// Another container has the id.
    #[error("container {id} exists with another specification")]
    Exists {
        /// The id.
        id: String,
    },
    /// The request cannot be made into a spec.
    #[error("container {id} cannot be specified")]
    Spec {
        /// Id of the container.
        id: String,
        /// What is wrong.
        #[source]
        source: SpecError,
    },
    /// The image does not have the user.
    #[error("container {id} cannot run as the user asked for")]
    User {
        /// Id of the container.
        id: String,
        /// What is wrong.
        #[source]
        source: UserError,
    },
    /// The runtime refused: a missing program, a mount that cannot be made.
    #[error("{reason}")]
    Runtime {
        /// Id of the container.
        id: String,
        /// The runtime's own words, which name the cause as Docker does.
        reason: String,
    },
    /// containerd was not there; something of the container may be.
    #[error("container {id} cannot be created now")]
    Away {
        /// Id of the container.
        id: String,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// containerd did not do its part.
    #[error("container {id} cannot be created")]
    Rpc {
        /// Id of the container.
        id: String,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

impl Containerd {
    /// Creates a container whose process waits to be started.
    ///
    /// A container of the same id and specification is adopted. After an error nothing is left; when the future is
    /// dropped half-way or containerd goes away, [`Containerd::delete`] removes what there is.
    pub async fn create(&self, request: &CreateContainer) -> Result<(), CreateError> {
        let away = |source| CreateError::Away { id: request.id.clone(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let Err(error) = self.try_create(request).await else { return Ok(()) };
        let words = if let CreateError::Runtime { reason, .. } = &error { stumbles(reason) } else { None };
        let absence = self.shared.absence(witness, error.rpc()).await.or(words);
        Err(absence.map_or(error, away))
    }

    async fn try_create(&self, request: &CreateContainer) -> Result<(), CreateError> {
        let id = &request.id;
        let image = find_image(&self.shared, request).await?;
        let user =
            request.process.user.as_deref().filter(|user| !user.is_empty()).unwrap_or(&image.config.user);
        let user = resolve_user(&self.shared, image.chain_id(), user).await;
        let user = user.map_err(|source| CreateError::User { id: id.clone(), source })?;
        let wanted = Wanted { request, image: &image.config, user: &user, host: self.shared.host };
        let spec = build(&wanted).map_err(|source| CreateError::Spec { id: id.clone(), source })?;
        let value = serde_json::to_vec(&spec).expect("a spec is plain data");
        let spec = Any { type_url: SPEC_TYPE.to_owned(), value };
        let found = record(&self.shared, request, &spec).await?;
        if found == Record::Adopted {
            match status(&self.shared, id).await? {
                None => {}
                Some(Status::Created | Status::Running | Status::Paused | Status::Pausing) => return Ok(()),
                // It ended while it was being made, and was never started: it is made anew.
                Some(Status::Stopped | Status::Unknown) => {
                    stale::remove(&self.shared, id).await?;
                    record(&self.shared, request, &spec).await?;
                }
            }
        }
        failpoint!("create.recorded");
        match self.create_or_clean_up(request, &image, &spec).await {
            // Where another agent has begun, containerd may be undoing its request, and with it ours: this error is not believed.
            Err(CreateError::Runtime { reason, .. }) if found == Record::Adopted => {
                tracing::warn!(container = %id, reason, "creating anew what a killed agent had begun to create");
                Wait::named("containerd undoes a killed agent's request").owner(id.clone()).pause(ANEW).await;
                record(&self.shared, request, &spec).await?;
                self.create_or_clean_up(request, &image, &spec).await
            }
            created => created,
        }
    }

    async fn create_or_clean_up(
        &self,
        request: &CreateContainer,
        image: &ResolvedImage,
        spec: &Any,
    ) -> Result<(), CreateError> {
        let mut created = create_task(&self.shared, request, image).await;
        if stale::cleared(&self.shared, &request.id, &created).await? {
            record(&self.shared, request, spec).await?;
            created = create_task(&self.shared, request, image).await;
        }
        let created = created.map(drop);
        if created.is_err() {
            // The error that counts is the first one; what cannot be removed now is removed by the next delete.
            if let Err(error) = self.delete(&request.id).await {
                tracing::warn!(%error, container = %request.id, "left-overs of a failed create remain");
            }
        }
        created
    }
}

impl CreateError {
    /// The call behind it, where it was one that failed.
    fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc { source, .. } => Some(source),
            Self::Image { source, .. } | Self::User { source: UserError::Image(source), .. } => source.rpc(),
            Self::User { .. }
            | Self::NoImage { .. }
            | Self::Exists { .. }
            | Self::Spec { .. }
            | Self::Runtime { .. }
            | Self::Away { .. } => None,
        }
    }
}

async fn find_image(shared: &Shared, request: &CreateContainer) -> Result<Arc<ResolvedImage>, CreateError> {
    let (id, image) = (request.id.clone(), request.image.clone());
    if let Some(known) = shared.images.named(&image) {
        return Ok(known);
    }
    match image::by_name(shared, &image).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(CreateError::NoImage { id, image }),
        Err(source) => Err(CreateError::Image { id, image, source }),
    }
}

/// What containerd says of the container's process; `None` when it knows of none.
pub(super) async fn status(shared: &Shared, id: &str) -> Result<Option<Status>, CreateError> {
    let request = GetRequest { container_id: id.to_owned(), ..GetRequest::default() };
    let answer = rpc::call("Tasks.Get", QUICK, shared.tasks_client().get(request)).await;
    let found = rpc::found(answer).map_err(|source| CreateError::Rpc { id: id.to_owned(), source })?;
    Ok(found.map(|answer| answer.process.unwrap_or_default().status()))
}

/// Takes off what gRPC and Go add around the runtime's words.
pub(super) fn runtime_words(message: &str) -> String {
    message.trim_end_matches(": unknown").to_owned()
}
