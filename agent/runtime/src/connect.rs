//! The connection to containerd: made, checked, and shared by everything else.

use crate::config::ContainerdConfig;
use crate::image::ImageCache;
use crate::keyed_lock::KeyedLock;
use crate::rpc::{self, MAX_MESSAGE, QUICK, RpcError, Scope, Scoped};
use crate::spec::{Host, UserCache};
use containerd_client::services::v1::{
    CreateNamespaceRequest, Namespace, PluginsRequest, containers_client::ContainersClient,
    content_client::ContentClient, diff_client::DiffClient, events_client::EventsClient,
    images_client::ImagesClient, introspection_client::IntrospectionClient, leases_client::LeasesClient,
    namespaces_client::NamespacesClient, snapshots::snapshots_client::SnapshotsClient,
    tasks_client::TasksClient, version_client::VersionClient,
};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;
use wharf_wait::{Wait, all};

const CONNECT: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(2);
/// The oldest containerd whose behaviour the tests cover.
const OLDEST: (u32, u32) = (1, 6);

/// Why there is no connection to containerd.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No socket at the address.
    #[error("containerd does not listen on {address}: is it installed and running?")]
    Absent {
        /// Path of the socket.
        address: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The socket is there but not for us.
    #[error("no permission to use containerd's socket {address}: run as root or grant access to it")]
    Denied {
        /// Path of the socket.
        address: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// Something else keeps the connection from being made.
    #[error("cannot speak to containerd on {address}")]
    Transport {
        /// Path of the socket.
        address: PathBuf,
        /// The transport's words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// containerd is older than what Wharf is tested with.
    #[error("containerd {version} is too old: Wharf needs {}.{} or newer", OLDEST.0, OLDEST.1)]
    TooOld {
        /// What it calls itself.
        version: String,
    },
    /// A plugin that Wharf needs is missing or did not start.
    #[error("containerd's {kind} {name} cannot be used: {reason}")]
    Plugin {
        /// `snapshotter` or `runtime`.
        kind: &'static str,
        /// Name of the plugin.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The namespace's name cannot be sent.
    #[error("{namespace:?} is not a name for a containerd namespace")]
    Namespace {
        /// The name.
        namespace: String,
    },
    /// containerd answers, but not well.
    #[error("containerd on {address} does not work")]
    Rpc {
        /// Path of the socket.
        address: PathBuf,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

/// containerd does not answer.
#[derive(Debug, thiserror::Error)]
#[error("containerd on {address} does not answer")]
pub struct PingError {
    /// Path of the socket.
    pub address: PathBuf,
    /// The call that failed.
    #[source]
    pub source: RpcError,
}

/// A connection to one containerd, cheap to clone; it reconnects by itself.
#[derive(Debug, Clone)]
pub struct Containerd {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones of a connection have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ContainerdConfig,
    pub(crate) version: String,
    pub(crate) scope: Scope,
    pub(crate) channel: Channel,
    pub(crate) host: Host,
    /// Creating and deleting within one shim: see `container::create`.
    pub(crate) shim_turns: KeyedLock,
    pub(crate) images: ImageCache,
    pub(crate) users: UserCache,
    /// Owns what outlives the future that began it: shared pulls, probes, the event subscription.
    pub(crate) tasks: TaskTracker,
    pub(crate) closing: CancellationToken,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Containerd {
    /// Connects, checks version and plugins, and creates the namespace; gives up after 10 s.
    pub async fn connect(config: &ContainerdConfig) -> Result<Self, ConnectError> {
        let address = &config.address;
        let rpc = |source| ConnectError::Rpc { address: address.clone(), source };
        let scope = Scope::new(&config.namespace)
            .ok_or_else(|| ConnectError::Namespace { namespace: config.namespace.clone() })?;
        let (channel, host) = open(config).await?;
        let version = VersionClient::new(channel.clone());
        let version =
            rpc::call("Version.Version", CONNECT, { version }.version(())).await.map_err(rpc)?.version;
        check_version(&version)?;
        check_plugins(config, &channel).await?;
        create_namespace(config, &channel, &scope).await.map_err(rpc)?;
        let shared = Shared {
            config: config.clone(),
            version,
            scope,
            channel,
            host,
            shim_turns: KeyedLock::default(),
            images: ImageCache::default(),
            users: UserCache::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns containerd's version as it told at connection time.
    pub fn version(&self) -> &str {
        &self.shared.version
    }

    /// Returns the configuration the connection was made with.
    pub fn config(&self) -> &ContainerdConfig {
        &self.shared.config
    }

    /// Asks containerd for a sign of life; waits 2 s.
    pub async fn ping(&self) -> Result<(), PingError> {
        let answer = self.shared.pinged().await;
        answer.map_err(|source| PingError { address: self.shared.config.address.clone(), source })
    }

    /// Ends the event subscription and waits for pulls and probes under way, at most `deadline` long.
    pub async fn close(&self, deadline: Duration) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        // A probe or pull that outlives the deadline cleans up after itself, or its lease expires.
        let work = Wait::named("pulls and probes under way").owner("containerd client").at_most(deadline);
        let _ = work.of(all(&self.shared.tasks)).await;
    }
}

/// One constructor per service, all over the same channel.
macro_rules! clients {
    ($($name:ident: $client:ident),* $(,)?) => {
        impl Shared {
            $(pub(crate) fn $name(&self) -> $client<Scoped> {
                $client::with_interceptor(self.channel.clone(), self.scope.clone()).max_decoding_message_size(MAX_MESSAGE)
            })*
        }
    };
}

clients! {
    containers: ContainersClient,
    content: ContentClient,
    events_client: EventsClient,
    image_store: ImagesClient,
    leases: LeasesClient,
    snapshots: SnapshotsClient,
    tasks_client: TasksClient,
}

impl Shared {
    /// Asks for a sign of life.
    pub(crate) async fn pinged(&self) -> Result<(), RpcError> {
        let mut client = VersionClient::new(self.channel.clone());
        rpc::call("Version.Version", PING, client.version(())).await.map(drop)
    }

    /// True when containerd itself is well.
    pub(crate) async fn answers(&self) -> bool {
        self.pinged().await.is_ok()
    }

    /// The content service within a lease.
    pub(crate) fn content_in(&self, scope: &Scope) -> ContentClient<Scoped> {
        ContentClient::with_interceptor(self.channel.clone(), scope.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// The snapshot service within a lease.
    pub(crate) fn snapshots_in(&self, scope: &Scope) -> SnapshotsClient<Scoped> {
        SnapshotsClient::with_interceptor(self.channel.clone(), scope.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// The diff service within a lease.
    pub(crate) fn diff_in(&self, scope: &Scope) -> DiffClient<Scoped> {
        DiffClient::with_interceptor(self.channel.clone(), scope.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// The image service within a lease.
    pub(crate) fn image_store_in(&self, scope: &Scope) -> ImagesClient<Scoped> {
        ImagesClient::with_interceptor(self.channel.clone(), scope.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }
}

async fn open(config: &ContainerdConfig) -> Result<(Channel, Host), ConnectError> {
    let address = &config.address;
    // A plain connection first: its error tells a missing socket from a forbidden one, which tonic's does not.
    let wait = |name| Wait::named(name).owner("containerd client").at_most(CONNECT);
    let probe = wait("containerd's socket").on(UnixStream::connect(address)).await;
    let probe = probe.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
    let probe = probe.map_err(|source| refused(address, source))?;
    let host = Host::observe(probe.peer_cred().ok().and_then(|peer| peer.pid()));
    let transport = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Transport {
        address: address.clone(),
        source,
    };
    let connecting = wait("a channel to containerd").on(containerd_client::connect(address)).await;
    let channel =
        connecting.map_err(|late| transport(late.into()))?.map_err(|error| transport(error.into()))?;
    Ok((channel, host))
}

fn refused(address: &Path, source: std::io::Error) -> ConnectError {
    let address = address.to_owned();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ConnectError::Absent { address, source },
        ErrorKind::PermissionDenied => ConnectError::Denied { address, source },
        _ => ConnectError::Transport { address, source: source.into() },
    }
}

fn check_version(version: &str) -> Result<(), ConnectError> {
    let mut numbers = version
        .trim_start_matches('v')
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => {
            Err(ConnectError::TooOld { version: version.to_owned() })
        }
        // A version that is not made of numbers is a build of one's own: let it try.
        _ => Ok(()),
    }
}

async fn check_plugins(config: &ContainerdConfig, channel: &Channel) -> Result<(), ConnectError> {
    let filters = vec!["type==io.containerd.snapshotter.v1".to_owned()];
    let mut client = IntrospectionClient::new(channel.clone());
    let answer = rpc::call("Introspection.Plugins", QUICK, client.plugins(PluginsRequest { filters })).await;
    let plugins =
        answer.map_err(|source| ConnectError::Rpc { address: config.address.clone(), source })?.plugins;
    let refuse = |reason: String| {
        Err(ConnectError::Plugin { kind: "snapshotter", name: config.snapshotter.clone(), reason })
    };
    match plugins.iter().find(|plugin| plugin.id == config.snapshotter) {
        None => refuse("it is not part of this containerd".to_owned()),
        Some(plugin) => match &plugin.init_err {
            Some(error) => refuse(error.message.clone()),
            None => Ok(()),
        },
    }
}

/// Creates the namespace; the call itself has to name one, because containerd 1.6 publishes its event there.
async fn create_namespace(
    config: &ContainerdConfig,
    channel: &Channel,
    scope: &Scope,
) -> Result<(), RpcError> {
    let namespace = Namespace { name: config.namespace.clone(), ..Namespace::default() };
    let request = CreateNamespaceRequest { namespace: Some(namespace) };
    let mut client = NamespacesClient::with_interceptor(channel.clone(), scope.clone());
    match rpc::call("Namespaces.Create", QUICK, client.create(request)).await {
        Err(error) if error.is_already_exists() => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_go_style_versions_are_read_and_old_ones_refused() {
        for good in ["1.6.20~ds1", "v1.7.24", "v2.1.9", "2.0.0-rc.1", "1.10.0", "local-build"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["1.5.18", "v1.4.13~ds1"] {
            assert!(matches!(check_version(bad), Err(ConnectError::TooOld { .. })), "{bad}");
        }
    }
}
