//! Deleting: whatever there is of a container, running or not, answered or not.

use super::signal::is_gone;
use super::{ExitStatus, SHIM_GROUP_LABEL, hung};
use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::rpc::{self, QUICK, RpcError, SLOW};
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::RemoveSnapshotRequest;
use containerd_client::services::v1::{
    Container, CreateContainerRequest, DeleteContainerRequest, DeleteTaskRequest, GetContainerRequest,
    GetRequest, KillRequest, ListTasksRequest, WaitRequest,
};
use containerd_client::types::v1::Status;
use nix::libc::SIGKILL;
use prost_types::Any;
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

/// How long a killed process may take to end, and a shim to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of it may take, a hung shim included.
const LONGEST: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(50);

/// Why a container is not gone.
#[derive(Debug, thiserror::Error)]
#[error("container {id} cannot be deleted")]
pub struct DeleteError {
    /// Id of the container.
    pub id: String,
    /// The call that failed.
    #[source]
    pub source: RpcError,
}

impl Containerd {
    /// Kills what runs and removes process, record and snapshot. A missing container is fine.
    ///
    /// Returns how the process ended, when there was one that had been started. A shim that does not answer is killed too.
    pub async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, DeleteError> {
        self.shared.delete(id).await.map_err(|source| DeleteError { id: id.to_owned(), source })
    }

    /// Waits for the main process to end, at most `deadline` long; `None` when there is no such process.
    pub async fn wait(&self, id: &str, deadline: Duration) -> Result<Option<ExitStatus>, RpcError> {
        wait(&self.shared, id, deadline).await
    }
}

impl Shared {
    pub(super) async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, RpcError> {
        let group = match self.group_of(id).await? {
            Some(group) => group,
            None => self.lend_record(id).await.map(|()| id.to_owned())?,
        };
        let exit = {
            // As in create: a shim that is about to end must not be handed a new container.
            let _turn = self.shim_turns.turn(&group).await;
            self.delete_task(id, &group).await?
        };
        failpoint!("delete.task-deleted");
        let request = DeleteContainerRequest { id: id.to_owned() };
        rpc::found(rpc::call("Containers.Delete", QUICK, self.containers().delete(request)).await)?;
        failpoint!("delete.record-deleted");
        let request =
            RemoveSnapshotRequest { snapshotter: self.config.snapshotter.clone(), key: id.to_owned() };
        rpc::found(rpc::call("Snapshots.Remove", SLOW, self.snapshots().remove(request)).await)?;
        Ok(exit)
    }

    /// Deletes the task, whatever it takes.
    async fn delete_task(&self, id: &str, group: &str) -> Result<Option<ExitStatus>, RpcError> {
        let deadline = Instant::now() + LONGEST;
        let request = GetRequest { container_id: id.to_owned(), ..GetRequest::default() };
        let answer = rpc::found(rpc::call("Tasks.Get", PATIENCE, self.tasks_client().get(request)).await);
        let status = match answer {
            Ok(Some(answer)) => answer.process.unwrap_or_default().status(),
            // There may be a shim without a process, which only this takes away (containerd#6860).
            Ok(None) => Status::Created,
            // The calls below find out whether it is the shim that does not answer.
            Err(_) => Status::Unknown,
        };
        // Of a process that was never started, the shim invents an exit.
        let started = status != Status::Created;
        if status == Status::Running {
            self.kill_or_break(id, group).await;
        }
        loop {
            let request = DeleteTaskRequest { container_id: id.to_owned() };
            let error = match rpc::call("Tasks.Delete", PATIENCE, self.tasks_client().delete(request)).await {
                Ok(answer) => {
                    return Ok(started.then(|| ExitStatus::new(answer.exit_status, answer.exited_at)));
                }
                Err(error) if error.is_not_found() => {
                    // Where containerd knows of no task, nobody else ends the shim of one whose making was broken off.
                    self.end_forsaken(id).await;
                    self.end_unused(id, group).await;
                    return Ok(None);
                }
                Err(error) => error,
            };
            if Instant::now() >= deadline {
                return Err(error);
            }
            self.kill_or_break(id, group).await;
            Wait::named("before the next try to delete it").owner(id.to_owned()).pause(PAUSE).await;
        }
    }

    /// Kills every process of the container; a shim that does not answer, while containerd does, is killed itself.
    async fn kill_or_break(&self, id: &str, group: &str) {
        let request = KillRequest {
            container_id: id.to_owned(),
            signal: SIGKILL.cast_unsigned(),
            all: true,
            ..KillRequest::default()
        };
        let error = match rpc::call("Tasks.Kill", PATIENCE, self.tasks_client().kill(request)).await {
            Err(error) if !is_gone(&error) => error,
            _ => {
                // A process that does not end shows when the delete that follows is refused.
                let _ = wait(self, id, PATIENCE).await;
                return;
            }
        };
        hung::break_if_silent(self, id, group, &error).await;
    }

    /// The shim group of a container, its own id where it has none; `None` when it has no record any more.
    pub(super) async fn group_of(&self, id: &str) -> Result<Option<String>, RpcError> {
        let get = GetContainerRequest { id: id.to_owned() };
        let record = rpc::found(rpc::call("Containers.Get", QUICK, self.containers().get(get)).await)?;
        let record = record.and_then(|answer| answer.container);
        Ok(record.map(|mut record| record.labels.remove(SHIM_GROUP_LABEL).unwrap_or_else(|| id.to_owned())))
    }

    /// Gives a task whose record was removed by hand another one: containerd denies a task without a record, and would keep its shim.
    async fn lend_record(&self, id: &str) -> Result<(), RpcError> {
        let request = ListTasksRequest::default();
        let tasks = rpc::call("Tasks.List", SLOW, self.tasks_client().list(request)).await?.tasks;
        if !tasks.iter().any(|task| task.id == id) {
            return Ok(());
        }
        tracing::warn!(container = %id, "containerd has a task of this container and no record; it gets one to be deleted by");
        let container = Container {
            id: id.to_owned(),
            runtime: Some(Runtime { name: self.config.runtime.clone(), options: None }),
            spec: Some(Any::default()),
            ..Container::default()
        };
        let create = CreateContainerRequest { container: Some(container) };
        rpc::call("Containers.Create", QUICK, self.containers().create(create)).await.map(drop)
    }
}

async fn wait(shared: &Shared, id: &str, deadline: Duration) -> Result<Option<ExitStatus>, RpcError> {
    let request = WaitRequest { container_id: id.to_owned(), ..WaitRequest::default() };
    let answer = rpc::found(rpc::call("Tasks.Wait", deadline, shared.tasks_client().wait(request)).await)?;
    Ok(answer.map(|answer| ExitStatus::new(answer.exit_status, answer.exited_at)))
}
