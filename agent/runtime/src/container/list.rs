//! What there is: records and processes of our namespace, checked against the kernel.
//!
//! containerd can say "running" of a process that is dead: its shim hangs, or died without a word. Such a container is
//! reported as [`ObservedState::Vanished`], never as running. It can also lose one whose process lives: [`Containerd::survivor`].

use super::{ExitStatus, INSCRIPTION, RESTARTS};
use crate::connect::{Containerd, Shared};
use crate::process::{is_alive_in_container, started_at_ms, waits_for_start};
use crate::rpc::{self, QUICK, RpcError, SLOW};
use crate::time::from_proto;
use containerd_client::services::v1::{
    Container, GetContainerRequest, GetRequest, ListContainersRequest, ListTasksRequest,
};
use containerd_client::types::v1::{Process, Status};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

/// A process that has just ended is dead before its shim has told: how long to wait for that. A shim that hangs takes two seconds of
/// each question, and never tells.
const RECHECK: Duration = Duration::from_secs(3);
const SIDE_BY_SIDE: usize = 16;
const PAUSE: Duration = Duration::from_millis(50);

/// Why containers could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("containers cannot be listed")]
pub struct ListError(#[from] RpcError);

/// Why a container could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("container {id} cannot be looked at")]
pub struct InspectError {
    /// Its id.
    pub id: String,
    /// The call that failed.
    #[source]
    pub source: RpcError,
}

/// A container of our namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedContainer {
    /// Its id.
    pub id: String,
    /// Labels it was created with, and ours.
    pub labels: BTreeMap<String, String>,
    /// What it was given to keep when it was created; empty when that was nothing.
    pub inscription: Vec<u8>,
    /// What it was last given to keep of its restarts; empty before the first.
    pub restarts: Vec<u8>,
    /// When its record was written, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// When its process started, while it runs, in milliseconds since 1970.
    pub started_at_ms: Option<i64>,
    /// What became of its process.
    pub state: ObservedState,
}

/// What became of a container's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedState {
    /// It waits to be started.
    Created,
    /// It runs.
    Running {
        /// Its id on the host.
        pid: u32,
    },
    /// It has ended.
    Exited(ExitStatus),
    /// containerd shows no process of it and does not know how it ended: the host was restarted, or the shim died or hangs.
    Vanished,
}

impl Containerd {
    /// Lists all containers of our namespace.
    pub async fn list(&self) -> Result<Vec<ObservedContainer>, ListError> {
        let shared = &self.shared;
        // Records first: a task that is listed and has no record yet belongs to a container that is being created.
        let request = ListContainersRequest::default();
        let records =
            rpc::call("Containers.List", QUICK, shared.containers().list(request)).await?.containers;
        let request = ListTasksRequest::default();
        let tasks = rpc::call("Tasks.List", SLOW, shared.tasks_client().list(request)).await?.tasks;
        let tasks: HashMap<String, Process> = tasks.into_iter().map(|task| (task.id.clone(), task)).collect();
        // Side by side, for one that is looked at again takes a moment.
        let observed = futures_util::stream::iter(records)
            .map(|record| async {
                let state = state(shared, tasks.get(&record.id)).await?;
                Ok::<_, RpcError>(container(record, state))
            })
            .buffered(SIDE_BY_SIDE);
        Ok(observed.try_collect().await?)
    }
}

impl Containerd {
    /// Looks at one container; `None` when there is no record of it.
    pub async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        let failed = |source| InspectError { id: id.to_owned(), source };
        let shared = &self.shared;
        let get = GetContainerRequest { id: id.to_owned() };
        let record = rpc::call("Containers.Get", QUICK, shared.containers().get(get)).await;
        if rpc::found(record).map_err(failed)?.is_none() {
            return Ok(None);
        }
        let get = GetRequest { container_id: id.to_owned(), ..GetRequest::default() };
        let task = rpc::found(rpc::call("Tasks.Get", QUICK, shared.tasks_client().get(get)).await);
        let task = task.map_err(failed)?.and_then(|answer| answer.process);
        let task = task.map(|process| Process { id: id.to_owned(), ..process });
        state(shared, task.as_ref()).await.map(Some).map_err(failed)
    }
}

fn container(mut record: Container, state: ObservedState) -> ObservedContainer {
    let mut kept = |name| record.extensions.remove(name).map(|any| any.value).unwrap_or_default();
    ObservedContainer {
        inscription: kept(INSCRIPTION),
        restarts: kept(RESTARTS),
        created_at_ms: from_proto(record.created_at),
        started_at_ms: match state {
            ObservedState::Running { pid } => started_at_ms(pid),
            ObservedState::Created | ObservedState::Exited(_) | ObservedState::Vanished => None,
        },
        id: record.id,
        labels: record.labels.into_iter().collect(),
        state,
    }
}

/// Believes what containerd says as far as the kernel agrees.
async fn state(shared: &Shared, task: Option<&Process>) -> Result<ObservedState, RpcError> {
    let Some(mut task) = task.cloned() else { return Ok(ObservedState::Vanished) };
    let end = Instant::now() + RECHECK;
    loop {
        if let Some(state) = believable(&task) {
            return Ok(state);
        }
        if Instant::now() >= end {
            return Ok(ObservedState::Vanished);
        }
        Wait::named("containerd to see what the kernel shows").owner(task.id.clone()).pause(PAUSE).await;
        let request = GetRequest { container_id: task.id.clone(), ..GetRequest::default() };
        let again = rpc::found(rpc::call("Tasks.Get", QUICK, shared.tasks_client().get(request)).await)?;
        let Some(again) = again.and_then(|answer| answer.process) else { return Ok(ObservedState::Vanished) };
        // The answer bears the id of the process, which for the main one is empty or the container's.
        task = Process { id: task.id, ..again };
    }
}

/// `None` where containerd and the kernel disagree.
fn believable(task: &Process) -> Option<ObservedState> {
    let alive = || is_alive_in_container(task.pid);
    match task.status() {
        Status::Stopped => Some(ObservedState::Exited(ExitStatus::new(task.exit_status, task.exited_at))),
        Status::Created if waits_for_start(task.pid) => alive().then_some(ObservedState::Created),
        // Paused processes run as far as anyone but the freezer is concerned; unknown is what a hung shim amounts to.
        Status::Created | Status::Running | Status::Paused | Status::Pausing | Status::Unknown => {
            alive().then_some(ObservedState::Running { pid: task.pid })
        }
    }
}
