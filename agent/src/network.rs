//! What a task has on this host besides its containers, made over netlink and in the file system: the namespace, the interface, the
//! endpoint inside, generated files, the cgroup.
//!
//! Owns the listeners inside tasks' namespaces. Refuses to know which tasks there are: whoever sweeps says so.

use crate::causes::chain;
use crate::effects::{self, Places, files, request};
use crate::endpoints::TaskEndpoints;
use crate::failpoint::failpoint;
use crate::seam::Network;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_cni::fabric::Mac;
use wharf_cni::{Attachment, Fabric, netns};
use wharf_core::event::{ContainerRef, Remains};
use wharf_core::spec::{Interface, TaskSpec};
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::{CgroupError, CgroupRoot};
use wharf_wait::Wait;

/// Where containers expect their endpoint (spec 6).
const ENDPOINT: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// The port behind the redirect; applications keep port 80 for themselves.
const ENDPOINT_PORT: u16 = 51679;
/// How long the kernel may take to let go of a cgroup after its last process.
const CGROUP_PATIENCE: Duration = Duration::from_secs(5);

/// The network of this host.
#[derive(Debug)]
pub struct HostNetwork {
    /// How tasks are connected.
    pub fabric: Fabric,
    /// The cgroups above the tasks' containers.
    pub cgroups: CgroupRoot,
    /// The listeners inside the tasks' namespaces.
    pub endpoints: TaskEndpoints,
    /// Where things are.
    pub places: Places,
    /// Whether tasks get a cgroup with limits.
    pub task_limits: bool,
}

impl Network for HostNetwork {
    async fn make(&self, task: &TaskArn, interface: Option<&Interface>) -> Result<(), String> {
        let namespace = self.places.namespace(task);
        if !netns::exists(&namespace) {
            blocking(netns::create, &namespace).await?;
        }
        failpoint!("network.namespace-made");
        if let Some(interface) = interface {
            let attachment = attachment(task, &namespace, interface)?;
            wharf_cni::add(&self.fabric, &attachment).await.map_err(|error| chain(&error))?;
            failpoint!("network.connected");
            files::write(&self.places.files(task), interface)
                .map_err(|error| format!("cannot write the network files of task {}: {error}", task.id()))?;
        }
        failpoint!("network.files-written");
        // An effect done twice: the listener of the first time still holds the port.
        self.endpoints.close(task).await;
        let listener = wharf_cni::endpoint::open(&namespace, ENDPOINT, ENDPOINT_PORT)
            .await
            .map_err(|error| chain(&error))?;
        self.endpoints.open(task.clone(), listener).await.map_err(|error| chain(&error))
    }

    async fn unmake(&self, task: &TaskArn) -> Result<(), String> {
        self.endpoints.close(task).await;
        failpoint!("release.endpoint-closed");
        let namespace = self.places.namespace(task);
        wharf_cni::del(&self.fabric, task.id(), &namespace).await.map_err(|error| chain(&error))?;
        failpoint!("release.disconnected");
        blocking(netns::delete, &namespace).await
    }

    async fn limit(&self, task: &TaskSpec) -> Result<(), CgroupError> {
        if self.task_limits {
            self.cgroups.create(&self.places.cgroup(&task.arn), &request::task_limits(task))?;
        }
        Ok(())
    }

    async fn release(&self, task: &TaskArn) -> Result<(), String> {
        let mut left = Vec::new();
        left.extend(self.unmake(task).await.err());
        left.extend(blocking(remove_dir, &self.places.files(task)).await.err());
        failpoint!("release.files-removed" if left.is_empty());
        let cgroup = self.places.cgroup(task);
        left.extend(self.cgroups.remove(&cgroup, CGROUP_PATIENCE).await.err().map(|error| chain(&error)));
        if left.is_empty() { Ok(()) } else { Err(left.join("; ")) }
    }

    fn memory(&self, container: &ContainerRef) -> Remains {
        effects::memory(&self.cgroups, &self.places, &container.task, &container.container)
    }

    fn last_lines(&self, container: &ContainerRef) -> Vec<String> {
        effects::last_lines(&self.places, &container.task, &container.container)
    }

    async fn forget(&self, task: &TaskArn) -> Result<(), String> {
        blocking(remove_dir, &self.places.durable(task)).await
    }

    async fn sweep(&self, known: &BTreeSet<String>) {
        match wharf_cni::sweep(&self.fabric, known).await {
            Ok(swept) if swept.count() > 0 => tracing::warn!(?swept, "removed leftovers of networks"),
            Ok(_) => tracing::debug!(tasks = known.len(), "no leftovers of networks"),
            Err(error) => tracing::warn!(error = chain(&error), "cannot remove leftovers of networks"),
        }
        for path in unknown(&self.places.namespaces(), known) {
            match blocking(netns::delete, &path).await {
                Ok(()) => tracing::warn!(path = %path.display(), "removed a namespace of no task"),
                Err(error) => tracing::warn!(error, "cannot remove a namespace of no task"),
            }
        }
    }

    async fn sweep_remains(&self, known: &BTreeSet<String>) {
        let root = self.places.cgroup_root.display().to_string();
        let mut ids = self.cgroups.children(&root).unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "cannot look for cgroups of unknown tasks");
            BTreeSet::new()
        });
        ids.retain(|id| !known.contains(id));
        let dirs = [self.places.run.join("tasks"), self.places.data.join("tasks")];
        let unknown = dirs.iter().flat_map(|dir| unknown(dir, known));
        ids.extend(unknown.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())));
        for id in ids {
            let cgroup = self.places.cgroup_root.join(&id).display().to_string();
            let left = self.cgroups.remove(&cgroup, Duration::ZERO).await;
            let mut left: Vec<String> = left.err().map(|error| chain(&error)).into_iter().collect();
            for dir in &dirs {
                left.extend(blocking(remove_dir, &dir.join(&id)).await.err());
            }
            if left.is_empty() {
                tracing::warn!(task = id, "removed remains of an unknown task");
            } else {
                let left = left.join("; ");
                tracing::warn!(task = id, left, "cannot remove all remains of an unknown task");
            }
        }
    }

    async fn close(&self) {
        self.endpoints.shutdown().await;
    }
}

/// The interface in the words of the network library.
fn attachment(task: &TaskArn, namespace: &Path, interface: &Interface) -> Result<Attachment, String> {
    let gateway = |net: Option<ipnet::IpNet>| net.map(|net| net.addr());
    let gateway4 = gateway(interface.gateway4).and_then(|ip| match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    let gateway6 = gateway(interface.gateway6).and_then(|ip| match ip {
        IpAddr::V6(ip) => Some(ip),
        IpAddr::V4(_) => None,
    });
    Ok(Attachment {
        id: task.id().to_owned(),
        namespace: namespace.to_owned(),
        interface: "eth0".to_owned(),
        mac: Some(interface.mac.parse::<Mac>().map_err(|error| chain(&error))?.0),
        addresses: interface.addresses.clone(),
        gateway4,
        gateway6,
    })
}

/// Runs what waits for a thread of its own off the runtime's workers.
async fn blocking<E: std::error::Error + Send + 'static>(
    work: fn(&Path) -> Result<(), E>,
    path: &Path,
) -> Result<(), String> {
    let path = path.to_owned();
    let done =
        Wait::endless("files and namespaces of a task", "broken off, it would go on beside the next try");
    done.of(wharf_wait::blocking(move || work(&path))).await.map_err(|error| chain(&error))
}

/// Removes a directory with all it holds; a missing one is fine.
fn remove_dir(path: &Path) -> Result<(), RemoveError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(RemoveError { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// A directory of a task could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}", path.display())]
struct RemoveError {
    path: PathBuf,
    source: io::Error,
}

/// Entries of a directory whose names are not known.
fn unknown(dir: &Path, known: &BTreeSet<String>) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| !known.contains(&*entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect()
}
