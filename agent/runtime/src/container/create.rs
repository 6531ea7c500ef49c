//! Creating: a record, a snapshot, and a process that waits to be started.

use super::{CreateContainer, INSCRIPTION, LogTarget, SHIM_GROUP_LABEL, stale};
use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::image::{self, ResolvedImage, StoreError};
use crate::presence::{Absence, stumbles};
use crate::rpc::{self, QUICK, RpcError};
use crate::spec::{SpecError, UserError, Wanted, build, resolve_user};
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::{MountsRequest, PrepareSnapshotRequest};
use containerd_client::services::v1::{
    Container, CreateContainerRequest, CreateTaskRequest, GetContainerRequest, GetRequest,
};
use containerd_client::types::Mount;
use containerd_client::types::v1::Status;
use prost_types::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

/// containerd decodes specs by this name: no scheme, no slash before it.
const SPEC_TYPE: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
const INSCRIPTION_TYPE: &str = "wharf/inscription";
/// Starting a shim and runc: tens of milliseconds, but a loaded host is slow.
const TASK_CREATE: Duration = Duration::from_secs(60);
/// How long containerd may take to undo a request whose caller has gone.
const UNDOING: Duration = Duration::from_secs(30);
/// Time that it is given before a second try.
const ANEW: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);
/// Part of the path of the directories that containerd keeps for its shims.
const BUNDLES: &str = "/io.containerd.runtime.v2.task/";

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

/// Whether the record of a container is new.
#[derive(Debug, PartialEq, Eq)]
enum Record {
    New,
    Adopted,
}

/// Writes the record. It goes before the snapshot: from then on containerd knows who needs it and does not collect it.
async fn record(shared: &Shared, request: &CreateContainer, spec: &Any) -> Result<Record, CreateError> {
    let id = &request.id;
    let mut labels: HashMap<String, String> =
        request.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.insert(SHIM_GROUP_LABEL.to_owned(), request.shim_group.clone());
    let container = Container {
        id: id.clone(),
        labels,
        image: request.image.clone(),
        runtime: Some(Runtime { name: shared.config.runtime.clone(), options: None }),
        spec: Some(spec.clone()),
        snapshotter: shared.config.snapshotter.clone(),
        snapshot_key: id.clone(),
        extensions: inscribed(&request.inscription),
        ..Container::default()
    };
    let rpc_error = |source| CreateError::Rpc { id: id.clone(), source };
    let create = CreateContainerRequest { container: Some(container) };
    match rpc::call("Containers.Create", QUICK, shared.containers().create(create)).await {
        Ok(_) => Ok(Record::New),
        Err(error) if error.is_already_exists() => {
            let get = GetContainerRequest { id: id.clone() };
            let existing = rpc::call("Containers.Get", QUICK, shared.containers().get(get)).await;
            let existing = existing.map_err(rpc_error)?.container.unwrap_or_default();
            if same_spec(existing.spec.as_ref(), spec) && existing.image == request.image {
                Ok(Record::Adopted)
            } else {
                Err(CreateError::Exists { id: id.clone() })
            }
        }
        Err(error) => Err(rpc_error(error)),
    }
}

fn inscribed(inscription: &[u8]) -> HashMap<String, Any> {
    let any = Any { type_url: INSCRIPTION_TYPE.to_owned(), value: inscription.to_vec() };
    [(INSCRIPTION.to_owned(), any)].into()
}

/// Compares what the specs say: lists that stand for sets may be written in another order.
fn same_spec(one: Option<&Any>, other: &Any) -> bool {
    let parse = |any: &Any| serde_json::from_slice::<oci_spec::runtime::Spec>(&any.value).ok();
    one.is_some_and(|one| parse(one).is_some_and(|one| Some(one) == parse(other)))
}

/// What containerd says of the container's process; `None` when it knows of none.
pub(super) async fn status(shared: &Shared, id: &str) -> Result<Option<Status>, CreateError> {
    let request = GetRequest { container_id: id.to_owned(), ..GetRequest::default() };
    let answer = rpc::call("Tasks.Get", QUICK, shared.tasks_client().get(request)).await;
    let found = rpc::found(answer).map_err(|source| CreateError::Rpc { id: id.to_owned(), source })?;
    Ok(found.map(|answer| answer.process.unwrap_or_default().status()))
}

/// Who made the process that is now there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Made {
    ByUs,
    /// containerd says that there is one.
    Already,
}

async fn create_task(
    shared: &Shared,
    request: &CreateContainer,
    image: &ResolvedImage,
) -> Result<Made, CreateError> {
    let id = &request.id;
    let rootfs = root_mounts(shared, id, image.chain_id()).await;
    let rootfs = rootfs.map_err(|source| {
        if source.is_not_found() {
            // The image was removed since it was looked up.
            shared.images.forget(&request.image);
            return CreateError::NoImage { id: id.clone(), image: request.image.clone() };
        }
        CreateError::Rpc { id: id.clone(), source }
    })?;
    failpoint!("create.snapshot-made");
    // One at a time within a shim: two that found none would both start one, and one that ends would take a new one along.
    let _turn = shared.shim_turns.turn(&request.shim_group).await;
    let process = Process { id, rootfs, log: &request.log, tty: request.process.tty };
    match make_process(shared, process).await {
        Ok(()) => Ok(Made::ByUs),
        Err(error) if error.is_already_exists() => Ok(Made::Already),
        Err(source) if source.is_transient() => Err(CreateError::Rpc { id: id.clone(), source }),
        Err(error) => Err(CreateError::Runtime { id: id.clone(), reason: runtime_words(error.message()) }),
    }
}

/// A process to make.
pub(super) struct Process<'a> {
    pub(super) id: &'a str,
    pub(super) rootfs: Vec<Mount>,
    pub(super) log: &'a LogTarget,
    pub(super) tty: bool,
}

/// Asks for a process that waits to be started. Whoever asks has its turn in the shim.
pub(super) async fn make_process(shared: &Shared, process: Process<'_>) -> Result<(), RpcError> {
    let log = process.log.uri();
    let create = CreateTaskRequest {
        container_id: process.id.to_owned(),
        rootfs: process.rootfs,
        stdout: log.clone(),
        stderr: if process.tty { String::new() } else { log },
        terminal: process.tty,
        ..CreateTaskRequest::default()
    };
    create_once_undone(shared, create).await
}

/// Asks for the process, and asks again while containerd is undoing an earlier request whose caller was killed: the directory of
/// that one is in the way of ours, and its removal takes ours along. One from before containerd's own start nobody removes.
async fn create_once_undone(shared: &Shared, create: CreateTaskRequest) -> Result<(), RpcError> {
    let end = Instant::now() + UNDOING;
    loop {
        let mut tasks = shared.tasks_client();
        match rpc::call("Tasks.Create", TASK_CREATE, tasks.create(create.clone())).await {
            Err(error) if is_in_the_way(&error) && Instant::now() < end => {
                let owner = create.container_id.clone();
                if stale::outlived(shared, &owner, &runtime_words(error.message())).await {
                    return Err(error);
                }
                Wait::named("containerd undoes an earlier request").owner(owner).pause(PAUSE).await;
            }
            other => return other.map(drop),
        }
    }
}

fn is_in_the_way(error: &RpcError) -> bool {
    let message = error.message();
    let about_its_directory = message.contains("failed to start shim: ") && message.contains(BUNDLES);
    about_its_directory && (message.contains("file exists") || message.contains("no such file or directory"))
}

async fn root_mounts(shared: &Shared, id: &str, parent: &str) -> Result<Vec<Mount>, RpcError> {
    let request = PrepareSnapshotRequest {
        snapshotter: shared.config.snapshotter.clone(),
        key: id.to_owned(),
        parent: parent.to_owned(),
        ..PrepareSnapshotRequest::default()
    };
    match rpc::call("Snapshots.Prepare", QUICK, shared.snapshots().prepare(request)).await {
        Ok(prepared) => Ok(prepared.mounts),
        Err(error) if error.is_already_exists() => {
            let request =
                MountsRequest { snapshotter: shared.config.snapshotter.clone(), key: id.to_owned() };
            rpc::call("Snapshots.Mounts", QUICK, shared.snapshots().mounts(request))
                .await
                .map(|answer| answer.mounts)
        }
        Err(error) => Err(error),
    }
}

/// Takes off what gRPC and Go add around the runtime's words.
pub(super) fn runtime_words(message: &str) -> String {
    message.trim_end_matches(": unknown").to_owned()
}
