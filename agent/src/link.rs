//! The agent's side of the link to the control plane: registration, then the two sessions.
//!
//! Owns the order: register, remember the ARN, then ACS and TCS, for ever. Refuses to hold up tasks: all of this runs beside them.

pub mod member;

use crate::capabilities::{self, HostFacts};
use crate::config::{ControlPlane, Settings};
use crate::seam::SystemClock;
use crate::store::{Fact, Store};
use crate::telemetry::instance::Doctor;
use crate::telemetry::publisher::Publisher;
use crate::telemetry::sampler::Metrics;
use member::{Application, Manners, Wires, converse, join};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_link::acs::AcsConfig;
use wharf_link::api::{ApiClient, ApiConfig, CallLimits};
use wharf_link::credentials::CredentialsSource;
use wharf_link::endpoint::AgentIdentity;
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_link::tcs::{TcsConfig, run_tcs};
use wharf_runtime::Containerd;
use wharf_wait::{Wait, all, begin, value};

/// Why the wait for a session's begin or end needs no end.
const SESSIONS: &str = "telemetry is told while the control plane listens, and never else";

/// Who this host is.
pub struct Identity {
    /// The settings.
    pub settings: Settings,
    /// What the host has.
    pub facts: HostFacts,
    /// What was remembered of the last run.
    pub saved: BTreeMap<Fact, String>,
}

/// What is told of this host besides its tasks' states.
pub struct Vitals {
    /// What tasks use.
    pub metrics: Metrics,
    /// Whose health is told.
    pub runtime: Containerd,
}

/// Registers, then talks until `cancel`.
///
/// # Errors
/// When the control plane will not have this host, or the link cannot be set up.
pub async fn run(
    identity: Identity,
    wires: Wires<ApiClient>,
    vitals: Vitals,
    store: Arc<Store>,
    cancel: CancellationToken,
) -> Result<(), crate::agent::AgentError> {
    let Identity { settings, facts, saved } = identity;
    let api = ApiClient::new(api_config(&settings.control_plane, &facts))?;
    let mut jitter = Jitter::from_os();
    let application = Application {
        plane: api.clone(),
        cluster: settings.control_plane.cluster_or_default().to_owned(),
        request: capabilities::registration(
            &facts,
            &settings,
            saved.get(&Fact::ContainerInstanceArn).cloned(),
        ),
    };
    let joined = cancel.run_until_cancelled(join(application, &wires, &*store, &mut jitter)).await;
    if let Some(member) = joined {
        talk(&settings, (api, member?), wires, (vitals, jitter), cancel).await;
    }
    Ok(())
}

/// Both sessions, until `cancel`.
async fn talk(
    settings: &Settings,
    (api, identity): (ApiClient, AgentIdentity),
    wires: Wires<ApiClient>,
    (vitals, mut jitter): (Vitals, Jitter),
    cancel: CancellationToken,
) {
    let Vitals { metrics, runtime } = vitals;
    let (active, activity) = watch::channel(true);
    let (doctor, instance) = Doctor::new();
    let metrics = settings.tasks.metrics.then_some(metrics);
    let publisher = Publisher { view: wires.view.clone(), metrics, instance };
    let heartbeat = Arc::new(Notify::new());
    let tracker = TaskTracker::new();
    let ping = move || {
        let runtime = runtime.clone();
        async move { runtime.ping().await.is_ok() }
    };
    begin(&tracker, doctor.run(ping, Arc::clone(&heartbeat), cancel.clone()));
    let acs = AcsConfig {
        api: api.clone(),
        identity: identity.clone(),
        endpoint: settings.control_plane.acs_endpoint.clone(),
        timings: Timings::ACS,
        jitter: jitter.fork(),
    };
    let manners = Manners { clock: SystemClock, policy: (&settings.features).into(), heartbeat, active };
    begin(&tracker, converse(acs, wires, manners, cancel.clone()));
    let tcs = TcsConfig {
        api,
        identity,
        endpoint: settings.control_plane.telemetry_endpoint.clone(),
        timings: Timings::TCS,
        publish: TcsConfig::PUBLISH,
        jitter,
    };
    begin(&tracker, telemetry(tcs, publisher, activity, cancel));
    tracker.close();
    Wait::endless("both sessions", "they last as long as the agent, which ends them").of(all(&tracker)).await;
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
        let ended = Wait::endless("the end of the control plane's session", SESSIONS);
        // Cancel-safe: `talk` is pinned and ended below by its own token; a value of the watch is never lost.
        let over = tokio::select! {
            () = &mut talk => true,
            _ = ended.of(value(&mut active, |active| !active)) => false,
        };
        session.cancel();
        if !over {
            talk.await;
        }
        let begun = Wait::endless("a session of the control plane", SESSIONS);
        // Cancel-safe: a token and a watch.
        tokio::select! {
            () = cancel.cancelled() => return,
            known = begun.of(value(&mut active, |active| *active)) => if known.is_err() { return },
        }
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
