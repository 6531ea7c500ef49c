//! Making a new process for a container whose process has ended: same record, same root file system, same cgroup.
//!
//! What runs is never touched: a process that lives is an error, and not one to be removed by force. Every step may be repeated.

use super::create::runtime_words;
use super::make::{Process, make_process};
use super::{LogTarget, RESTARTS, stale};
use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::presence::{Absence, stumbles};
use crate::process::{is_alive_in_container, waits_for_start};
use crate::rpc::{self, QUICK, RpcError, SLOW};
use containerd_client::services::v1::snapshots::MountsRequest;
use containerd_client::services::v1::{Container, DeleteTaskRequest, GetRequest, UpdateContainerRequest};
use containerd_client::types::v1::{self, Status};
use prost_types::{Any, FieldMask};
use std::time::Duration;
use wharf_wait::Wait;

const NOTE_TYPE: &str = "wharf/restarts";
/// Time that containerd is given to undo what a killed agent had asked of it, before a second try.
const ANEW: Duration = Duration::from_secs(3);

/// A container that is to have a new process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewContainer {
    /// Id in containerd.
    pub id: String,
    /// Whether it has a terminal, as when it was created.
    pub tty: bool,
    /// Where its output goes.
    pub log: LogTarget,
    /// Bytes that containerd keeps with its record from now on, and gives back when it is listed.
    pub restarts: Vec<u8>,
}

/// Why a container has no new process.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// There is no such container.
    #[error("container {id} does not exist")]
    NotFound {
        /// The id.
        id: String,
    },
    /// Its process lives, whatever was heard of its end.
    #[error("process {pid} of container {id} has not ended")]
    Runs {
        /// Id of the container.
        id: String,
        /// Id of the process on the host.
        pid: u32,
    },
    /// The runtime refused.
    #[error("{reason}")]
    Runtime {
        /// Id of the container.
        id: String,
        /// The runtime's own words.
        reason: String,
    },
    /// containerd was not there; how far it came is not known.
    #[error("container {id} cannot be given a new process now")]
    Away {
        /// Id of the container.
        id: String,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// containerd is there and did not do its part.
    #[error("whether container {id} has a new process is not known")]
    Rpc {
        /// Id of the container.
        id: String,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

impl Containerd {
    /// Clears away the process of a container, which has ended, and makes another one that waits to be started.
    ///
    /// One that waits to be started already is adopted. After an error the container's record and files are still there.
    pub async fn renew(&self, request: &RenewContainer) -> Result<(), RenewError> {
        let away = |source| RenewError::Away { id: request.id.clone(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let Err(error) = self.shared.renew(request).await else { return Ok(()) };
        let (rpc, words) = match &error {
            RenewError::Rpc { source, .. } => (Some(source), None),
            RenewError::Runtime { reason, .. } => (None, stumbles(reason)),
            RenewError::NotFound { .. } | RenewError::Runs { .. } | RenewError::Away { .. } => (None, None),
        };
        let absence = self.shared.absence(witness, rpc).await.or(words);
        Err(absence.map_or(error, away))
    }
}

impl Shared {
    async fn renew(&self, request: &RenewContainer) -> Result<(), RenewError> {
        let id = &request.id;
        let failed = |source| RenewError::Rpc { id: id.clone(), source };
        let Some(group) = self.group_of(id).await.map_err(failed)? else {
            return Err(RenewError::NotFound { id: id.clone() });
        };
        // As in create and delete: a shim that is about to end must not be handed a new process.
        let _turn = self.shim_turns.turn(&group).await;
        if !self.clear_away(id).await? {
            return Ok(());
        }
        failpoint!("renew.cleared");
        self.note(request).await.map_err(failed)?;
        failpoint!("renew.noted");
        match self.make(request).await {
            Err(RenewError::Runtime { reason, .. }) => self.make_once_cleared(request, reason).await,
            made => made,
        }
    }

    /// Tries once more, where a containerd that died or an agent that was killed in the middle of the same may be why it was refused.
    async fn make_once_cleared(&self, request: &RenewContainer, reason: String) -> Result<(), RenewError> {
        let id = &request.id;
        if !stale::bundle_cleared(self, id, &reason).await {
            if stumbles(&reason).is_some() {
                return Err(RenewError::Runtime { id: id.clone(), reason });
            }
            // containerd may be undoing a killed agent's request, and ours with it.
            tracing::warn!(container = %id, reason, "making a process anew after a while");
            Wait::named("containerd undoes a killed agent's request").owner(id.clone()).pause(ANEW).await;
        }
        if self.clear_away(id).await? { self.make(request).await } else { Ok(()) }
    }

    /// Removes what is left of the process that has ended. Says whether a new one is to be made: not where one waits already.
    async fn clear_away(&self, id: &str) -> Result<bool, RenewError> {
        let failed = |source| RenewError::Rpc { id: id.to_owned(), source };
        let request = GetRequest { container_id: id.to_owned(), ..GetRequest::default() };
        let answer = rpc::call("Tasks.Get", QUICK, self.tasks_client().get(request)).await;
        let process = rpc::found(answer).map_err(failed)?.and_then(|answer| answer.process);
        let left = process.as_ref().map_or(Left::Nothing, Left::of);
        match left {
            Left::Waiting => return Ok(false),
            Left::Living(pid) => return Err(RenewError::Runs { id: id.to_owned(), pid }),
            Left::Ended | Left::Dead | Left::Nothing => {}
        }
        // There may be a shim without a process, which only this takes away (containerd#6860).
        let request = DeleteTaskRequest { container_id: id.to_owned() };
        let deleted = rpc::call("Tasks.Delete", SLOW, self.tasks_client().delete(request)).await;
        rpc::found(deleted).map_err(failed)?;
        if left != Left::Ended {
            stale::cleaned_up(self, id).await;
        }
        Ok(true)
    }

    /// Notes on the container how often it was started again, for an agent that knows nothing of it.
    async fn note(&self, request: &RenewContainer) -> Result<(), RpcError> {
        let note = Any { type_url: NOTE_TYPE.to_owned(), value: request.restarts.clone() };
        let container = Container {
            id: request.id.clone(),
            extensions: [(RESTARTS.to_owned(), note)].into(),
            ..Container::default()
        };
        let update = UpdateContainerRequest {
            container: Some(container),
            update_mask: Some(FieldMask { paths: vec![format!("extensions.{RESTARTS}")] }),
        };
        rpc::call("Containers.Update", QUICK, self.containers().update(update)).await.map(drop)
    }

    async fn make(&self, request: &RenewContainer) -> Result<(), RenewError> {
        let id = &request.id;
        let failed = |source| RenewError::Rpc { id: id.clone(), source };
        let mounts = MountsRequest { snapshotter: self.config.snapshotter.clone(), key: id.clone() };
        let mounts = rpc::call("Snapshots.Mounts", QUICK, self.snapshots().mounts(mounts)).await;
        let rootfs = match mounts {
            Ok(answer) => answer.mounts,
            Err(error) if error.is_not_found() => {
                let reason = "its root file system is gone".to_owned();
                return Err(RenewError::Runtime { id: id.clone(), reason });
            }
            Err(error) => return Err(failed(error)),
        };
        let process = Process { id, rootfs, log: &request.log, tty: request.tty };
        match make_process(self, process).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_transient() => Err(failed(error)),
            Err(error) => {
                let reason = runtime_words(error.message());
                Err(RenewError::Runtime { id: id.clone(), reason })
            }
        }
    }
}

/// What there is of a container's process, where containerd and the kernel are both asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// It waits to be started.
    Waiting,
    Living(u32),
    /// It has ended, and its shim says so.
    Ended,
    /// It has ended, and its shim does not say so.
    Dead,
}

impl Left {
    fn of(process: &v1::Process) -> Self {
        let alive = is_alive_in_container(process.pid);
        match process.status() {
            Status::Stopped => Self::Ended,
            Status::Created if alive && waits_for_start(process.pid) => Self::Waiting,
            Status::Created | Status::Running | Status::Paused | Status::Pausing | Status::Unknown
                if alive =>
            {
                Self::Living(process.pid)
            }
            Status::Created | Status::Running | Status::Paused | Status::Pausing | Status::Unknown => {
                Self::Dead
            }
        }
    }
}
