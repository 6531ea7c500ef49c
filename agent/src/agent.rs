//! The agent put together: what is opened, in which order, and how it ends.
//!
//! ```text
//! store → node → containerd → look at what runs → READY → owner loop ┬ effects
//!                                                                    ├ events of containerd
//!                                                                    ├ telemetry, introspection
//!                                                                    └ registration → ACS, TCS
//! ```
//! Crash-only: start and recovery are one path, and nothing is saved on the way out. Tasks never wait for the control plane:
//! readiness is containerd answering and local state loaded.

use crate::capabilities::{self, FactsError, HostFacts, NothingLeft};
use crate::config::{PullBehavior, Settings};
use crate::effects::sweep::Networks;
use crate::effects::{self, Effects, Places, Registered, World};
use crate::endpoints::credentials::CredentialStore;
use crate::endpoints::{self, Feeds, TaskEndpoints};
use crate::failpoint::failpoint;
use crate::foreign::Foreign;
use crate::healing::Healing;
use crate::introspection;
use crate::life::{self, Begun, Life};
use crate::link::member::Wires;
use crate::link::{self, Identity, Vitals};
use crate::network::HostNetwork;
use crate::observe::{Lister, Listing};
use crate::seam::{Host, SystemClock};
use crate::store::{Fact, Loaded, OpenError, Store, UnknownKind};
use crate::systemd::Watchdog;
use crate::telemetry::kernel::Kernel;
use crate::telemetry::sampler::{INTERVAL, Metrics, Sampler};
use crate::view::{self, HostView, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{SetOnce, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_cni::Fabric;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::event::Event;
use wharf_core::node::Node;
use wharf_core::record::RestoreError;
use wharf_link::api::ApiClient;
use wharf_link::register::RegisterError;
use wharf_protocol::arn::ContainerInstanceArn;
use wharf_runtime::cgroup::CgroupRoot;
use wharf_runtime::{
    ConnectError, Containerd, ContainerdConfig, ListError, PullPolicy, PullSettings, RegistryAuth,
};
use wharf_wait::{Wait, all};

/// Longest wait for what is under way when the agent is told to end.
const FAREWELL: Duration = Duration::from_secs(5);
/// Wait between two tries to reach containerd at the start.
const CONTAINERD_AGAIN: Duration = Duration::from_millis(500);

/// Why the agent ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The saved state cannot be used.
    #[error("cannot open the saved state")]
    Store(#[from] OpenError),
    /// The saved state is of a newer agent.
    #[error("cannot read the saved state")]
    Kind(#[from] UnknownKind),
    /// The saved state cannot be understood.
    #[error("cannot restore the saved tasks")]
    Restore(#[from] RestoreError),
    /// The introspection port cannot be had.
    #[error("cannot offer introspection")]
    Introspection(#[from] introspection::BindError),
    /// containerd does not answer.
    #[error("cannot use containerd")]
    Containerd(#[from] ConnectError),
    /// containerd does not list its containers.
    #[error("cannot see which containers run")]
    List(#[from] ListError),
    /// The host does not tell what has to be registered.
    #[error("cannot read the facts of this host")]
    Facts(#[from] FactsError),
    /// Nothing of the host is left for tasks.
    #[error("cannot offer this host to tasks")]
    NothingLeft(#[from] NothingLeft),
    /// The link to the control plane cannot be set up.
    #[error("cannot set up the link to the control plane")]
    Link(#[from] wharf_link::TransportError),
    /// The control plane will not have this host.
    #[error("cannot register this host")]
    Register(#[from] RegisterError),
}

impl AgentError {
    /// The exit code: 5 = do not start again, 1 = start again (spec 2.3).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Register(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::NothingLeft(_) | Self::Kind(_) | Self::Restore(_) => 5,
            Self::Introspection(_) | Self::Containerd(_) => 1,
            Self::List(_) | Self::Facts(_) | Self::Link(_) => 1,
        }
    }
}

/// Runs the agent until `stop`.
///
/// # Errors
/// [`AgentError`], with the exit code to end with.
pub async fn run(settings: Settings, stop: CancellationToken) -> Result<(), AgentError> {
    let ground = Ground::open(&settings, &stop).await?;
    let (runtime, store) = (ground.lister.runtime.clone(), Arc::clone(&ground.store));
    let identity = Identity {
        settings: settings.clone(),
        facts: ground.facts.clone(),
        saved: ground.facts_saved.clone(),
    };
    let tracker = TaskTracker::new();
    let (wires, metrics, effects) = begin(&settings, ground, &tracker, &stop).await?;
    failpoint!("recovery.before-ready");
    crate::systemd::ready();
    tracing::info!(containerd = runtime.version(), "ready");

    let vitals = Vitals { metrics, runtime: runtime.clone() };
    let linked = link::run(identity, wires, vitals, store, stop.child_token()).await;
    if linked.is_ok() {
        Wait::endless("the word to stop", "an agent is to last").on(stop.cancelled()).await;
    }
    stop.cancel();
    failpoint!("stop.told");
    // Pulls end with the connection; what else is under way gets its time.
    runtime.close(FAREWELL).await;
    failpoint!("stop.runtime-closed");
    effects.drain(FAREWELL).await;
    failpoint!("stop.effects-drained");
    tracker.close();
    let parts = Wait::named("its parts").owner("the stopping agent").at_most(FAREWELL);
    if parts.of(all(&tracker)).await.is_err() {
        tracing::warn!(left = tracker.len(), "not everything ended in time");
    }
    failpoint!("stop.parts-ended");
    leave_no_empty_root(&settings).await;
    linked
}

/// What has to be there before anything is begun.
struct Ground {
    store: Arc<Store>,
    node: Node,
    facts: HostFacts,
    facts_saved: BTreeMap<Fact, String>,
    listener: TcpListener,
    lister: Lister<Containerd>,
    observed: Event,
}

impl Ground {
    async fn open(settings: &Settings, stop: &CancellationToken) -> Result<Self, AgentError> {
        let (store, loaded) = Store::open(&settings.roots.data_dir)?;
        failpoint!("recovery.store-opened");
        let saved_cluster = loaded.facts.get(&Fact::Cluster).map(String::as_str);
        wharf_link::register::check_cluster(saved_cluster, settings.control_plane.cluster_or_default())?;
        let facts = capabilities::read_host_facts()?;
        let node = restore(settings, &facts, &loaded)?;
        failpoint!("recovery.restored");
        let listener = introspection::bind(settings.roots.introspection).await?;
        let (places, boot) = (places(settings), facts.boot_id.clone());
        let lister = Lister { runtime: connect(settings, stop).await?, places, boot };
        failpoint!("recovery.connected");
        lister.runtime.end_abandoned().await;
        failpoint!("recovery.abandoned-ended");
        let Listing { event: observed, instance, .. } = lister.list(&view::tasks(&node), true).await?;
        failpoint!("recovery.listed");
        let mut facts_saved = loaded.facts;
        // Its containers remember who this host was, so that an agent without its data is not another instance to the control plane.
        if let (None, Some(arn)) = (facts_saved.get(&Fact::ContainerInstanceArn), instance) {
            tracing::warn!(arn, "no registration is saved here; the containers name this instance");
            facts_saved.insert(Fact::ContainerInstanceArn, arn);
        }
        Ok(Self { store: Arc::new(store), node, facts, facts_saved, listener, lister, observed })
    }
}

/// Starts everything but the link, and returns what the link is to be connected to.
async fn begin(
    settings: &Settings,
    ground: Ground,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(Wires<ApiClient>, Metrics, Effects<Host>), AgentError> {
    let Ground { store, node, facts_saved, listener, lister, observed, .. } = ground;
    let host = Arc::new(host_view(settings, &facts_saved));
    let (view, views) = watch::channel(Arc::new(View { host, ..View::default() }));
    let registered = Arc::new(SetOnce::new());
    let credentials = CredentialStore::default();

    let (sampler, metrics, stats) = Sampler::new(Kernel::new(places(settings)), views.clone());
    let feeds = Feeds { view: views.clone(), stats, credentials: credentials.clone() };
    let limits = endpoints::Settings { rate: settings.tasks.metadata_rate.into(), ..Default::default() };
    let world = World {
        stop: stop.clone(),
        credentials: credentials.clone(),
        ..world(
            settings,
            lister.runtime.clone(),
            TaskEndpoints::new(feeds, limits),
            (Arc::clone(&registered), views.clone()),
        )
    };
    let (foreign, watchdog) = (Foreign::new(settings.tasks.unknown_wait), Watchdog::from_environment());
    let life = Life { node, store, world, lister, observed, foreign, view, watchdog };
    let Begun { inbox, replies, effects } = life::begin(life, tracker, stop).await;
    wharf_wait::begin(tracker, sampler.run(INTERVAL, stop.child_token()));
    wharf_wait::begin(
        tracker,
        introspection::run(listener, views.clone(), Default::default(), stop.child_token()),
    );
    let wires = Wires { inbox, replies, credentials, view: views, registered, healing: Healing::new() };
    Ok((wires, metrics, effects))
}

/// Connects to containerd, waiting for one that is just starting.
async fn connect(settings: &Settings, stop: &CancellationToken) -> Result<Containerd, ConnectError> {
    let config = containerd(settings);
    let end = tokio::time::Instant::now() + settings.runtime.wait;
    loop {
        match Containerd::connect(&config).await {
            Ok(runtime) => return Ok(runtime),
            Err(error) if tokio::time::Instant::now() >= end || stop.is_cancelled() => return Err(error),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "waiting for containerd"),
        }
        let pause = Wait::named("containerd to listen").owner("the starting agent").pause(CONTAINERD_AGAIN);
        stop.run_until_cancelled(pause).await;
    }
}

/// How containerd is used, by the agent and by the operator's commands alike.
pub(crate) fn containerd(settings: &Settings) -> ContainerdConfig {
    let runtime = &settings.runtime;
    ContainerdConfig {
        address: runtime.address.clone(),
        namespace: runtime.namespace.clone(),
        snapshotter: runtime.snapshotter.clone(),
        run_dir: settings.roots.run_dir.clone(),
        pull: PullSettings {
            inactivity: runtime.pull_inactivity,
            total: runtime.pull_timeout,
            insecure_registries: runtime.insecure_registries.clone(),
            ..PullSettings::default()
        },
        ..ContainerdConfig::default()
    }
}

fn restore(settings: &Settings, facts: &HostFacts, loaded: &Loaded) -> Result<Node, AgentError> {
    let records = loaded.records()?;
    Ok(Node::restore(node_config(settings, capabilities::host_resources(facts, settings)?), records)?)
}

/// What the node is told, for the agent and the operator's commands alike.
pub(crate) fn node_config(settings: &Settings, host: HostResources) -> NodeConfig {
    let mut config = NodeConfig::new(host);
    config.limits.stop = settings.tasks.stop_timeout;
    config.limits.start = settings.tasks.start_timeout;
    config.limits.create = settings.tasks.create_timeout;
    config.limits.pull = settings.runtime.pull_timeout;
    config.task_retention = settings.tasks.cleanup_wait;
    config.history_age = settings.tasks.stories_age;
    config.image_quarantine = settings.runtime.image_quarantine;
    config.history_count = settings.tasks.stories_kept;
    config.unknown_wait = settings.tasks.unknown_wait;
    config
}

/// Removes the cgroup above all tasks when no task is left in it. Not while tasks come and go: the next one would find it gone.
async fn leave_no_empty_root(settings: &Settings) {
    let (cgroups, root) = (CgroupRoot::host(), settings.roots.cgroup_root.display().to_string());
    if cgroups.is_empty(&root).unwrap_or(false)
        && let Err(error) = cgroups.remove(&root, Duration::ZERO).await
    {
        tracing::debug!(error = &error as &dyn std::error::Error, "the cgroup of all tasks stays");
    }
}

fn fabric(settings: &Settings) -> Fabric {
    Fabric {
        interface_prefix: settings.roots.interface_prefix.clone(),
        table: settings.roots.nft_table.clone(),
        ..Fabric::default()
    }
}

/// Where things are, for the agent and the operator's commands alike.
pub(crate) fn places(settings: &Settings) -> Places {
    Places {
        run: settings.roots.run_dir.clone(),
        data: settings.roots.data_dir.clone(),
        cgroup_root: settings.roots.cgroup_root.clone(),
        logger: logger(settings),
    }
}

/// The configured logger, or the one beside this program where that is not installed: so a build directory works as it is.
fn logger(settings: &Settings) -> std::path::PathBuf {
    let configured = &settings.roots.logger;
    let beside =
        || Some(std::env::current_exe().ok()?.with_file_name("wharf-logger")).filter(|path| path.exists());
    if configured.exists() { configured.clone() } else { beside().unwrap_or_else(|| configured.clone()) }
}

fn world(
    settings: &Settings,
    runtime: Containerd,
    endpoints: TaskEndpoints,
    (api, view): (Arc<SetOnce<Registered<ApiClient>>>, watch::Receiver<Arc<View>>),
) -> World<Host> {
    let auth = |auth: &crate::config::RegistryAuth| RegistryAuth::Basic {
        username: auth.username.clone(),
        password: auth.password.expose().to_owned(),
    };
    World {
        clock: SystemClock,
        runtime,
        network: HostNetwork {
            fabric: fabric(settings),
            cgroups: CgroupRoot::host(),
            endpoints,
            places: places(settings),
            task_limits: settings.features.task_cpu_mem_limit,
        },
        networks: Networks::default(),
        stop: CancellationToken::new(),
        credentials: CredentialStore::default(),
        places: places(settings),
        view,
        api,
        reports: effects::report_slots(),
        pull: match settings.runtime.pull_behavior {
            PullBehavior::Default => PullPolicy::Default,
            PullBehavior::Always => PullPolicy::Always,
            PullBehavior::Once | PullBehavior::PreferCached => PullPolicy::IfMissing,
        },
        registry_auth: settings
            .runtime
            .registry_auth
            .iter()
            .map(|(host, a)| (host.clone(), auth(a)))
            .collect(),
        region: settings.control_plane.region.clone(),
        cluster: settings.control_plane.cluster_or_default().to_owned(),
    }
}

fn host_view(settings: &Settings, saved: &BTreeMap<Fact, String>) -> HostView {
    let fact = |fact| saved.get(&fact).cloned();
    HostView {
        cluster: settings.control_plane.cluster_or_default().to_owned(),
        container_instance_arn: fact(Fact::ContainerInstanceArn)
            .and_then(|arn| ContainerInstanceArn::parse(&arn).ok()),
        availability_zone: fact(Fact::AvailabilityZone),
        ..HostView::default()
    }
}
