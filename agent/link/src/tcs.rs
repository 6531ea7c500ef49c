//! TCS: the websocket on which the agent publishes metrics, container health and the instance's status (spec 4).
//!
//! Owns connecting for ever, the 20 s tick, paging and signing of frames. Refuses to measure: a [`TelemetrySource`]
//! is asked at each tick. Nothing is queued while no session is open: the source is simply not asked, and what it
//! keeps or drops meanwhile is its own affair, so a dead TCS never blocks anything (spec 4.8).

mod conversation;
pub mod pages;

use crate::api::{self, ApiClient};
use crate::endpoint::{AgentIdentity, tcs_url};
use crate::jitter::Jitter;
use crate::session::{Ending, Reconnect, Timings};
use crate::socket::{self, Reader, Writer, chain};
use conversation::Conversation;
use reqwest::{Upgraded, Url};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_protocol::tcs::{InstanceStatus, TaskHealth, TaskMetric};
use wharf_wait::Wait;

/// What the TCS loop needs to know.
#[derive(Debug, Clone)]
pub struct TcsConfig {
    /// The client whose discovery, credentials and connections are used.
    pub api: ApiClient,
    /// Who publishes.
    pub identity: AgentIdentity,
    /// A fixed TCS endpoint instead of the discovered one.
    pub endpoint: Option<String>,
    /// Every timer of the session.
    pub timings: Timings,
    /// How often metrics, health and status are published, normally [`TcsConfig::PUBLISH`].
    pub publish: Duration,
    /// Spread for the timers.
    pub jitter: Jitter,
}

impl TcsConfig {
    /// The tick of spec 4.5 to 4.7.
    pub const PUBLISH: Duration = Duration::from_secs(20);
}

/// The metrics of one tick.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsSnapshot {
    /// No task runs, or metrics are switched off: says so in one message.
    Idle,
    /// What was measured since the last time; when it is empty (nothing sampled yet), nothing is sent.
    Tasks(Vec<TaskMetric>),
}

/// The result of the instance's health checks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstanceStatusReport {
    /// Counts the runs of the checks; a run is published once. 0 is the state before the first run.
    pub run: u64,
    /// One status per check.
    pub statuses: Vec<InstanceStatus>,
}

/// Gives the values to publish. Asked only while a session is open; must answer without waiting.
pub trait TelemetrySource: Send {
    /// The metrics since the last call.
    fn metrics(&mut self) -> MetricsSnapshot;
    /// The health of every task that has a container with a health check.
    fn health(&mut self) -> Vec<TaskHealth>;
    /// The latest result of the instance's health checks.
    fn instance_status(&mut self) -> InstanceStatusReport;
}

/// Publishes until `cancel` fires.
///
/// When the control plane calls the instance inactive on ACS, the owner cancels this loop and starts a new one after
/// the next ACS connect (spec 3.6).
pub async fn run_tcs<S: TelemetrySource>(mut config: TcsConfig, mut source: S, cancel: CancellationToken) {
    let mut reconnect = Reconnect::new(&config.timings);
    let mut reported = None;
    loop {
        // Cancel-safe: connecting leaves nothing behind when dropped.
        let opened = tokio::select! {
            () = cancel.cancelled() => return,
            opened = open(&config) => opened,
        };
        let (ending, lasted) = match opened {
            Ok((url, writer, reader)) => {
                tracing::info!("tcs is connected");
                let opened = Instant::now();
                let conversation =
                    Conversation::new(&mut config, url, &mut source, &mut reported, cancel.clone());
                (conversation.run(writer, reader).await, Some(opened.elapsed()))
            }
            Err(ending) => (ending, None),
        };
        if cancel.is_cancelled() {
            return;
        }
        if ending.doubts_the_endpoint() {
            config.api.distrust_endpoints();
        }
        let wait = reconnect.plan("tcs", &ending, lasted, &mut config.jitter);
        // Cancel-safe: neither arm has state.
        tokio::select! {
            () = cancel.cancelled() => return,
            () = Wait::named("before the next session").owner("tcs").pause(wait) => {}
        }
    }
}

/// Discovers the endpoint and opens the websocket.
async fn open(config: &TcsConfig) -> Result<(Url, Writer<Upgraded>, Reader<Upgraded>), Ending> {
    let TcsConfig { api, identity, endpoint, .. } = config;
    let place = api::locate(api, identity, endpoint.as_ref(), |found| found.tcs).await?;
    let url = tcs_url(&place.url, identity).map_err(|error| Ending::Failed(chain(&error)))?;
    match socket::open(api, &url, place.deadline(&config.timings)).await {
        Ok((writer, reader)) => Ok((url, writer, reader)),
        // Only ACS knows inactive instances (spec 4.3); here it is a refusal like any other.
        Err(Ending::Inactive(reason)) => Err(Ending::Failed(reason)),
        Err(ending) => Err(ending),
    }
}
