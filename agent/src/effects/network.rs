//! Effects on networks: the namespace, the interface, the endpoint inside, and their removal with everything else of the task.

use super::World;
use crate::causes::chain;
use crate::effects::files;
use crate::failpoint::failpoint;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_cni::fabric::Mac;
use wharf_cni::{Attachment, netns};
use wharf_core::event::Event;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::spec::Interface;
use wharf_protocol::arn::TaskArn;

/// Where containers expect their endpoint (spec 6).
const ENDPOINT: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// The port behind the redirect; applications keep port 80 for themselves.
const ENDPOINT_PORT: u16 = 51679;
/// How long the kernel may take to let go of a cgroup after its last process.
const CGROUP_PATIENCE: Duration = Duration::from_secs(5);

impl World {
    pub(super) async fn prepare_network(&self, task: TaskArn, interface: Option<Interface>) -> Event {
        failpoint!("network.before");
        self.networks.enter(&task).await;
        match self.make_network(&task, interface.as_ref()).await {
            Ok(()) => {
                failpoint!("network.after");
                Event::NetworkReady { task }
            }
            Err(detail) => {
                self.unmake_network(&task)
                    .await
                    .unwrap_or_else(|left| tracing::warn!(%task, left, "a failed network left something"));
                Event::NetworkFailed { task, reason: Reason::new(ReasonCode::ContainerNetworking, detail) }
            }
        }
    }

    async fn make_network(&self, task: &TaskArn, interface: Option<&Interface>) -> Result<(), String> {
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

    async fn unmake_network(&self, task: &TaskArn) -> Result<(), String> {
        self.endpoints.close(task).await;
        failpoint!("release.endpoint-closed");
        let namespace = self.places.namespace(task);
        wharf_cni::del(&self.fabric, task.id(), &namespace).await.map_err(|error| chain(&error))?;
        failpoint!("release.disconnected");
        blocking(netns::delete, &namespace).await
    }

    /// Removes what outlives a task for those who want to look at it.
    pub(super) async fn forget(&self, task: &TaskArn) {
        self.credentials.remove_task(task);
        if let Err(left) = blocking(remove_dir, &self.places.durable(task)).await {
            tracing::warn!(%task, left, "volumes and logs of a forgotten task stay");
        }
    }

    pub(super) async fn release_task(&self, task: TaskArn) -> Event {
        failpoint!("release.before");
        let mut left = Vec::new();
        left.extend(self.unmake_network(&task).await.err());
        left.extend(blocking(remove_dir, &self.places.files(&task)).await.err());
        failpoint!("release.files-removed");
        left.extend(
            self.cgroups
                .remove(&self.places.cgroup(&task), CGROUP_PATIENCE)
                .await
                .err()
                .map(|error| chain(&error)),
        );
        failpoint!("release.after");
        if left.is_empty() {
            self.networks.leave(&task).await;
            return Event::TaskReleased { task };
        }
        let reason = Reason::new(ReasonCode::CannotRemoveContainer, left.join("; "));
        Event::ReleaseFailed { task, reason }
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
pub(super) async fn blocking<E: std::error::Error + Send + 'static>(
    work: fn(&Path) -> Result<(), E>,
    path: &Path,
) -> Result<(), String> {
    let path = path.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&path)).await;
    done.expect("a panic ends the process before it gets here").map_err(|error| chain(&error))
}

/// Removes a directory with all it holds; a missing one is fine.
pub(super) fn remove_dir(path: &Path) -> Result<(), RemoveError> {
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
pub(super) struct RemoveError {
    path: PathBuf,
    source: io::Error,
}
