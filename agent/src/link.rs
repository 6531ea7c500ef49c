//! The agent's side of the link to the control plane: registration, then the two sessions.
//!
//! Owns the order: register, remember the ARN, then ACS and TCS, for ever. Refuses to hold up tasks: all of this runs beside them.

use crate::capabilities::{self, HostFacts};
use crate::config::{ControlPlane, Settings};
use crate::conversation::Conversation;
use crate::effects::Registered;
use crate::endpoints::credentials::CredentialStore;
use crate::failpoint::failpoint;
use crate::healing::Healing;
use crate::owner::Input;
use crate::store::{Fact, Store};
use crate::telemetry::instance::Doctor;
use crate::telemetry::publisher::Publisher;
use crate::telemetry::sampler::Metrics;
use crate::view::{HostView, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_core::effect::Reply;
use wharf_link::acs::{AcsConfig, run_acs};
use wharf_link::api::{ApiClient, ApiConfig, CallLimits};
use wharf_link::credentials::CredentialsSource;
use wharf_link::endpoint::AgentIdentity;
use wharf_link::jitter::Jitter;
use wharf_link::register::{Registration, register};
use wharf_link::session::Timings;
use wharf_link::tcs::{TcsConfig, run_tcs};
use wharf_protocol::arn::ContainerInstanceArn;
use wharf_runtime::Containerd;

/// Room for messages in either direction; when it is full, the session stops reading and TCP slows the control plane down.
const FRAMES: usize = 64;

/// Wait between two tries of a failed save.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// Who this host is.
pub struct Identity {
    /// The settings.
    pub settings: Settings,
    /// What the host has.
    pub facts: HostFacts,
    /// What was remembered of the last run.
    pub saved: BTreeMap<Fact, String>,
}

/// What the link is connected to inside the agent.
pub struct Wires {
    /// Where events go.
    pub inbox: mpsc::Sender<Input>,
    /// What the node wants said.
    pub replies: mpsc::Receiver<Reply>,
    /// Where credentials of tasks are kept.
    pub credentials: CredentialStore,
    /// Which tasks there are.
    pub view: watch::Receiver<Arc<View>>,
    /// What tasks use.
    pub metrics: Metrics,
    /// Tells effects that reports can be sent.
    pub registered: watch::Sender<Option<Registered>>,
    /// Tells effects that the control plane answers again.
    pub healing: Healing,
}

/// Registers, then talks until `cancel`.
///
/// # Errors
/// When the control plane will not have this host, or the link cannot be set up.
pub async fn run(
    identity: Identity,
    wires: Wires,
    store: Arc<Store>,
    runtime: Containerd,
    cancel: CancellationToken,
) -> Result<(), crate::agent::AgentError> {
    let settings = &identity.settings;
    let api = ApiClient::new(api_config(&settings.control_plane, &identity.facts))?;
    let mut jitter = Jitter::from_os();
    let saved_arn = identity.saved.get(&Fact::ContainerInstanceArn).cloned();
    let request = capabilities::registration(&identity.facts, settings, saved_arn);
    failpoint!("register.before");
    // Cancel-safe: a registration that is cut off is made again by the next start, with the saved ARN.
    let registration = tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        done = register(&api, request, Default::default(), &mut jitter) => done?,
    };
    tracing::info!(arn = registration.container_instance_arn, "registered");
    failpoint!("register.accepted");
    // Cancel-safe: a save that is cut off is made again by the next registration.
    if cancel.run_until_cancelled(remember(&identity, &registration, &store)).await.is_none() {
        return Ok(());
    }
    failpoint!("register.saved");
    let cluster = settings.control_plane.cluster_or_default().to_owned();
    let healing = wires.healing.clone();
    let registered = Registered { api: api.clone(), cluster: cluster.clone(), healing };
    wires.registered.send_replace(Some(registered));
    drop(wires.inbox.send(Input::Host(host_view(&cluster, &registration))).await);
    let agent = AgentIdentity {
        cluster,
        container_instance_arn: registration.container_instance_arn,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        agent_hash: option_env!("WHARF_COMMIT").unwrap_or_default().to_owned(),
    };
    talk(settings, api, agent, wires, runtime, jitter, cancel).await;
    Ok(())
}

/// Both sessions, until `cancel`.
async fn talk(
    settings: &Settings,
    api: ApiClient,
    identity: AgentIdentity,
    wires: Wires,
    runtime: Containerd,
    mut jitter: Jitter,
    cancel: CancellationToken,
) {
    let (to_agent, inbound) = mpsc::channel(FRAMES);
    let (outbound, to_session) = mpsc::channel(FRAMES);
    let (active, activity) = watch::channel(true);
    let (doctor, instance) = Doctor::new();
    let metrics = settings.tasks.metrics.then_some(wires.metrics);
    let publisher = Publisher { view: wires.view.clone(), metrics, instance };
    let heartbeat = Arc::new(Notify::new());
    let tracker = TaskTracker::new();
    let ping = move || {
        let runtime = runtime.clone();
        async move { runtime.ping().await.is_ok() }
    };
    tracker.spawn(doctor.run(ping, Arc::clone(&heartbeat), cancel.clone()));
    let acs = AcsConfig {
        api: api.clone(),
        identity: identity.clone(),
        endpoint: settings.control_plane.acs_endpoint.clone(),
        timings: Timings::ACS,
        jitter: jitter.fork(),
    };
    tracker.spawn(run_acs(acs, to_agent, to_session, cancel.clone()));
    let tcs = TcsConfig {
        api,
        identity,
        endpoint: settings.control_plane.telemetry_endpoint.clone(),
        timings: Timings::TCS,
        publish: TcsConfig::PUBLISH,
        jitter,
    };
    tracker.spawn(telemetry(tcs, publisher, activity, cancel.clone()));
    let Wires { inbox, replies, credentials, view, healing, .. } = wires;
    let policy = (&settings.features).into();
    let conversation = Conversation {
        inbound,
        outbound,
        inbox,
        replies,
        policy,
        credentials,
        view,
        heartbeat,
        active,
        healing,
    };
    tracker.spawn(conversation.run(cancel));
    tracker.close();
    tracker.wait().await;
}

/// The TCS session, while the control plane calls this host active (spec 3.6).
async fn telemetry(
    config: TcsConfig,
    publisher: Publisher,
    mut active: watch::Receiver<bool>,
    cancel: CancellationToken,
) {
    loop {
        let session = cancel.child_token();
        let talk = run_tcs(config.clone(), publisher.clone(), session.clone());
        tokio::pin!(talk);
        // Cancel-safe: `talk` is pinned and ended below by its own token; a value of the watch is never lost.
        let over = tokio::select! {
            () = &mut talk => true,
            _ = active.wait_for(|active| !active) => false,
        };
        session.cancel();
        if !over {
            talk.await;
        }
        // Cancel-safe: a token and a watch.
        tokio::select! {
            () = cancel.cancelled() => return,
            known = active.wait_for(|active| *active) => if known.is_err() { return },
        }
    }
}

/// Saves who this host is, however long it takes: without it the next start would register as another instance.
async fn remember(identity: &Identity, registration: &Registration, store: &Store) {
    let mut changes = vec![
        Fact::ContainerInstanceArn.is(&registration.container_instance_arn),
        Fact::Cluster.is(identity.settings.control_plane.cluster_or_default()),
        Fact::AgentVersion.is(env!("CARGO_PKG_VERSION")),
    ];
    changes.extend(registration.availability_zone.as_deref().map(|zone| Fact::AvailabilityZone.is(zone)));
    while let Err(error) = store.save(changes.clone()).await {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot save the registration");
        tokio::time::sleep(SAVE_AGAIN).await;
    }
}

fn host_view(cluster: &str, registration: &Registration) -> HostView {
    HostView {
        cluster: cluster.to_owned(),
        container_instance_arn: ContainerInstanceArn::parse(&registration.container_instance_arn).ok(),
        availability_zone: registration.availability_zone.clone(),
        ..HostView::default()
    }
}

fn api_config(control_plane: &ControlPlane, facts: &HostFacts) -> ApiConfig {
    let region = &control_plane.region;
    let default = || format!("https://ecs.{region}.amazonaws.com");
    ApiConfig {
        endpoint: control_plane.backend_host.clone().unwrap_or_else(default),
        region: region.clone(),
        credentials: credentials(control_plane),
        user_agent: capabilities::user_agent(facts),
        verify_tls: true,
        limits: CallLimits::default(),
    }
}

/// The configured keys, or else what an EC2 host finds (features 1.11).
fn credentials(control_plane: &ControlPlane) -> Vec<CredentialsSource> {
    let Some(keys) = &control_plane.credentials else {
        return vec![
            CredentialsSource::File {
                path: "/root/.aws/credentials".into(),
                profile: control_plane.credential_profile.clone(),
            },
            CredentialsSource::Instance { endpoint: CredentialsSource::IMDS.to_owned() },
        ];
    };
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    vec![CredentialsSource::fixed(&keys.access_key_id, keys.secret_access_key.expose(), token)]
}
