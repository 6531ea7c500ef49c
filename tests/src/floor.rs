//! The floor of a launch: the same image created and started on the same containerd, with no agent in between.
//!
//! Four calls, none of them ours: make the container, prepare its snapshot, create its task, start it.

use anyhow::{Context, Result};
use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::services::v1::snapshots::PrepareSnapshotRequest;
use containerd_client::services::v1::snapshots::RemoveSnapshotRequest;
use containerd_client::services::v1::snapshots::snapshots_client::SnapshotsClient;
use containerd_client::services::v1::tasks_client::TasksClient;
use containerd_client::services::v1::{
    Container, CreateContainerRequest, CreateTaskRequest, DeleteContainerRequest, DeleteTaskRequest,
    KillRequest, ListContainersRequest, ListTasksRequest, StartRequest, WaitRequest, container,
};
use containerd_client::with_namespace;
use prost_types::Any;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use tonic::Request;
use tonic::transport::Channel;

const SNAPSHOTTER: &str = "overlayfs";

/// A connection for bare launches in one containerd namespace.
#[derive(Debug)]
pub struct Floor {
    channel: Channel,
    namespace: String,
    chain_id: String,
    cgroup_root: String,
}

impl Floor {
    /// Connects; `chain_id` is the snapshot that the image's layers were unpacked to, `cgroup_root` holds the containers' cgroups.
    pub async fn connect(socket: &Path, namespace: &str, chain_id: &str, cgroup_root: &str) -> Result<Self> {
        let channel = containerd_client::connect(socket).await.context("cannot connect to containerd")?;
        Ok(Self {
            channel,
            namespace: namespace.to_owned(),
            chain_id: chain_id.to_owned(),
            cgroup_root: cgroup_root.to_owned(),
        })
    }

    /// Lists the namespace's containers and tasks, the two calls that no recovery can do without; how long both took.
    pub async fn list(&self) -> Result<Duration> {
        let begun = Instant::now();
        ContainersClient::new(self.channel.clone()).list(self.ask(ListContainersRequest::default())).await?;
        TasksClient::new(self.channel.clone()).list(self.ask(ListTasksRequest::default())).await?;
        Ok(begun.elapsed())
    }

    /// Launches `command` as container `id`, measures it, and removes it again.
    pub async fn launch(&self, id: &str, command: &[&str]) -> Result<Duration> {
        let begun = Instant::now();
        // The record first: a snapshot that no record names could be collected as garbage before its task is made.
        let container = Container {
            id: id.to_owned(),
            runtime: Some(container::Runtime { name: "io.containerd.runc.v2".to_owned(), options: None }),
            spec: Some(spec(&self.cgroup_root, id, command)?),
            snapshotter: SNAPSHOTTER.to_owned(),
            snapshot_key: id.to_owned(),
            ..Default::default()
        };
        ContainersClient::new(self.channel.clone())
            .create(self.ask(CreateContainerRequest { container: Some(container) }))
            .await?;
        let prepare = PrepareSnapshotRequest {
            snapshotter: SNAPSHOTTER.to_owned(),
            key: id.to_owned(),
            parent: self.chain_id.clone(),
            ..Default::default()
        };
        let mounts =
            SnapshotsClient::new(self.channel.clone()).prepare(self.ask(prepare)).await?.into_inner().mounts;
        let mut tasks = TasksClient::new(self.channel.clone());
        tasks
            .create(self.ask(CreateTaskRequest {
                container_id: id.to_owned(),
                rootfs: mounts,
                ..Default::default()
            }))
            .await?;
        tasks.start(self.ask(StartRequest { container_id: id.to_owned(), ..Default::default() })).await?;
        let took = begun.elapsed();
        self.remove(id).await?;
        Ok(took)
    }

    async fn remove(&self, id: &str) -> Result<()> {
        let mut tasks = TasksClient::new(self.channel.clone());
        let kill = KillRequest { container_id: id.to_owned(), signal: 9, ..Default::default() };
        tasks.kill(self.ask(kill)).await?;
        tasks.wait(self.ask(WaitRequest { container_id: id.to_owned(), ..Default::default() })).await?;
        tasks.delete(self.ask(DeleteTaskRequest { container_id: id.to_owned() })).await?;
        // The snapshot before the record that keeps it from being collected.
        let remove = RemoveSnapshotRequest { snapshotter: SNAPSHOTTER.to_owned(), key: id.to_owned() };
        SnapshotsClient::new(self.channel.clone()).remove(self.ask(remove)).await?;
        let delete = DeleteContainerRequest { id: id.to_owned() };
        ContainersClient::new(self.channel.clone()).delete(self.ask(delete)).await?;
        Ok(())
    }

    fn ask<T>(&self, request: T) -> Request<T> {
        let namespace = self.namespace.clone();
        let mut request = with_namespace!(request, namespace);
        request.set_timeout(Duration::from_secs(30));
        request
    }
}

/// About the specification that `ctr run` makes: own namespaces, the usual mounts.
fn spec(cgroup_root: &str, id: &str, command: &[&str]) -> Result<Any> {
    let mount = |target: &str, kind: &str, options: &[&str]| json!({"destination": target, "type": kind, "source": kind, "options": options});
    let spec = json!({
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": command, "cwd": "/", "env": ["PATH=/bin"]},
        "root": {"path": "rootfs"},
        "hostname": "floor",
        "mounts": [
            mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        ],
        "linux": {
            "cgroupsPath": format!("{cgroup_root}/{id}"),
            "namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"}],
        },
    });
    let type_url = "types.containerd.io/opencontainers/runtime-spec/1/Spec".to_owned();
    Ok(Any { type_url, value: serde_json::to_vec(&spec)? })
}
