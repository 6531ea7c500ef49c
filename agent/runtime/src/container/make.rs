//! Making the process of a container that has its record: a root file system, and a shim with a process that waits.

use super::create::{CreateError, runtime_words};
use super::{CreateContainer, LogTarget, forsaken, stale};
use crate::connect::Shared;
use crate::failpoint::failpoint;
use crate::image::ResolvedImage;
use crate::rpc::{self, QUICK, RpcError};
use containerd_client::services::v1::CreateTaskRequest;
use containerd_client::services::v1::snapshots::{MountsRequest, PrepareSnapshotRequest};
use containerd_client::types::Mount;
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

/// Starting a shim and runc: tens of milliseconds, but a loaded host is slow.
const TASK_CREATE: Duration = Duration::from_secs(60);
/// What is long for that, and is looked into.
pub(super) const LONG_CREATE: Duration = Duration::from_secs(3);
/// How long containerd may take to undo a request whose caller has gone.
const UNDOING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
/// Part of the path of the directories that containerd keeps for its shims.
const BUNDLES: &str = "/io.containerd.runtime.v2.task/";

/// Who made the process that is now there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Made {
    ByUs,
    /// containerd says that there is one.
    Already,
}

pub(super) async fn create_task(
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
/// that one is in the way of ours, and its removal takes ours along. One from before containerd's own start nobody removes. A shim that
/// ended before it answered is another reason to ask again.
async fn create_once_undone(shared: &Shared, create: CreateTaskRequest) -> Result<(), RpcError> {
    let (id, end) = (create.container_id.clone(), Instant::now() + UNDOING);
    loop {
        let mut tasks = shared.tasks_client();
        let asked = rpc::call("Tasks.Create", TASK_CREATE, tasks.create(create.clone()));
        match forsaken::ended_beside(shared, &id, asked).await {
            Err(error) if is_in_the_way(error.message()) && Instant::now() < end => {
                if stale::outlived(shared, &id, &runtime_words(error.message())).await {
                    return Err(error);
                }
                Wait::named("containerd undoes an earlier request").owner(id.clone()).pause(PAUSE).await;
            }
            Err(error) if forsaken::lost_its_shim(&error) && Instant::now() < end => {
                tracing::warn!(container = %id, %error, "creating once more, in another shim");
                stale::cleaned_up(shared, &id).await;
            }
            other => return other.map(drop),
        }
    }
}

/// True for words about a shim's own directory, which is there or went away; words about what runc did in it are none of these.
fn is_in_the_way(message: &str) -> bool {
    let first = message.contains("failed to start shim: ");
    // containerd 2 says what it was about to do and nothing before that.
    let second = ["mkdir ", "symlink ", "failed to write bundle spec: "];
    (first || second.iter().any(|words| message.starts_with(words)))
        && message.contains(BUNDLES)
        && (message.contains("file exists") || message.contains("no such file or directory"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_containerd_says_of_a_directory_that_is_in_the_way_is_understood() {
        let path = "/run/containerd/io.containerd.runtime.v2.task/wharf/t-app";
        for words in [
            format!("failed to start shim: mkdir {path}: file exists"),
            format!("failed to start shim: start failed: open {path}/address: no such file or directory"),
            format!("mkdir {path}: file exists"),
            format!("mkdir {path}/rootfs: no such file or directory"),
            format!("symlink /var/lib/work {path}/work: no such file or directory"),
            format!("failed to write bundle spec: open {path}/config.json: no such file or directory"),
        ] {
            assert!(is_in_the_way(&words), "{words}");
        }
        for words in [
            format!(
                "failed to create shim task: error mounting \"/x\" to {path}/rootfs: no such file or directory"
            ),
            "failed to start shim: exec: \"containerd-shim-runc-v2\": file does not exist".to_owned(),
            "mkdir /elsewhere: file exists".to_owned(),
        ] {
            assert!(!is_in_the_way(&words), "{words}");
        }
    }
}
