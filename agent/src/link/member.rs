//! Being a member of the cluster: registered, remembered, and in conversation on ACS.
//!
//! Owns the order of joining (register, save the ARN, tell effects and view) and what an ACS session is connected to. Works through
//! the seams alone, so that a simulated control plane is joined the same way.

use crate::conversation::Conversation;
use crate::effects::Registered;
use crate::endpoints::credentials::CredentialStore;
use crate::failpoint::failpoint;
use crate::healing::Healing;
use crate::owner::{Input, tell};
use crate::seam::{Clock, ControlPlane, Store};
use crate::store::{Change, Fact};
use crate::view::{HostView, View};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, SetOnce, mpsc, watch};
use tokio_util::sync::CancellationToken;
use wharf_core::effect::Reply;
use wharf_link::acs::{AcsConfig, run_acs};
use wharf_link::endpoint::AgentIdentity;
use wharf_link::jitter::Jitter;
use wharf_link::register::{RegisterError, Registration, register};
use wharf_protocol::api::RegisterContainerInstanceRequest;
use wharf_protocol::arn::ContainerInstanceArn;
use wharf_wait::Wait;

/// Room for messages in either direction; when it is full, the session stops reading and TCP slows the control plane down.
const FRAMES: usize = 64;
/// Wait between two tries of a failed save.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// What a membership is connected to inside the agent.
pub struct Wires<P> {
    /// Where events go.
    pub inbox: mpsc::Sender<Input>,
    /// What the node wants said.
    pub replies: mpsc::Receiver<Reply>,
    /// Where credentials of tasks are kept.
    pub credentials: CredentialStore,
    /// Which tasks there are.
    pub view: watch::Receiver<Arc<View>>,
    /// Tells effects that reports can be sent.
    pub registered: Arc<SetOnce<Registered<P>>>,
    /// Tells effects that the control plane answers again.
    pub healing: Healing,
}

/// Who wants to join what.
#[derive(Debug)]
pub struct Application<P> {
    /// The control plane.
    pub plane: P,
    /// The cluster as configured.
    pub cluster: String,
    /// What is registered.
    pub request: RegisterContainerInstanceRequest,
}

/// Registers, remembers it, and tells the rest of the agent. Cut off at any point, it is done again by the next start, with the ARN
/// where that was saved.
///
/// # Errors
/// When the control plane will not have this host.
pub async fn join<P: ControlPlane>(
    application: Application<P>,
    wires: &Wires<P>,
    store: &impl Store,
    jitter: &mut Jitter,
) -> Result<AgentIdentity, RegisterError> {
    let Application { plane, cluster, request } = application;
    failpoint!("register.before");
    let registration = register(&plane, request, Default::default(), jitter).await?;
    tracing::info!(arn = registration.container_instance_arn, "registered");
    failpoint!("register.accepted");
    remember(facts(&cluster, &registration), store).await;
    failpoint!("register.saved");
    let healing = wires.healing.clone();
    // Nobody else sets it: a membership is joined once in a life.
    drop(wires.registered.set(Registered { api: plane, cluster: cluster.clone(), healing }));
    tell(&wires.inbox, Input::Host(host_view(&cluster, &registration))).await;
    Ok(AgentIdentity {
        cluster,
        container_instance_arn: registration.container_instance_arn,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        agent_hash: option_env!("WHARF_COMMIT").unwrap_or_default().to_owned(),
    })
}

/// Saves who this host is, however long it takes: without it the next start would register as another instance.
async fn remember(facts: Vec<Change>, store: &impl Store) {
    while let Err(error) = store.save(facts.clone()).await {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot save the registration");
        Wait::named("before the next try to save").owner("registration").pause(SAVE_AGAIN).await;
    }
}

fn facts(cluster: &str, registration: &Registration) -> Vec<Change> {
    let mut changes = vec![
        Fact::ContainerInstanceArn.is(&registration.container_instance_arn),
        Fact::Cluster.is(cluster),
        Fact::AgentVersion.is(env!("CARGO_PKG_VERSION")),
    ];
    changes.extend(registration.availability_zone.as_deref().map(|zone| Fact::AvailabilityZone.is(zone)));
    changes
}

fn host_view(cluster: &str, registration: &Registration) -> HostView {
    HostView {
        cluster: cluster.to_owned(),
        container_instance_arn: ContainerInstanceArn::parse(&registration.container_instance_arn).ok(),
        availability_zone: registration.availability_zone.clone(),
        ..HostView::default()
    }
}

/// What a conversation needs besides its wires.
pub struct Manners<C> {
    /// The wall clock.
    pub clock: C,
    /// What this host offers.
    pub policy: crate::acs::Policy,
    /// Asks for a run of the instance's health checks.
    pub heartbeat: Arc<Notify>,
    /// Says whether the control plane still knows this host.
    pub active: watch::Sender<bool>,
}

/// The ACS session, again and again, and the conversation on it, until `cancel`.
pub async fn converse<P: ControlPlane, C: Clock>(
    acs: AcsConfig<P>,
    wires: Wires<P>,
    manners: Manners<C>,
    cancel: CancellationToken,
) {
    let (to_agent, inbound) = mpsc::channel(FRAMES);
    let (outbound, to_session) = mpsc::channel(FRAMES);
    let Wires { inbox, replies, credentials, view, registered: _, healing } = wires;
    let Manners { clock, policy, heartbeat, active } = manners;
    let conversation = Conversation {
        clock,
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
    tokio::join!(run_acs(acs, to_agent, to_session, cancel.clone()), conversation.run(cancel));
}
