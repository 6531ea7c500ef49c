//! Frames of TCS, through the session.

use crate::peer::{Peer, api, identity, impatient};
use crate::tally::{Tally, protocol_corpus};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_link::tcs::{InstanceStatusReport, MetricsSnapshot, TcsConfig, TelemetrySource, run_tcs};
use wharf_protocol::tcs::TaskHealth;

/// A host without tasks.
struct Idle;

impl TelemetrySource for Idle {
    fn metrics(&mut self) -> MetricsSnapshot {
        MetricsSnapshot::Idle
    }

    fn health(&mut self) -> Vec<TaskHealth> {
        Vec::new()
    }

    fn instance_status(&mut self) -> InstanceStatusReport {
        InstanceStatusReport::default()
    }
}

pub async fn frames() -> Tally {
    let mut peer = Peer::start().await;
    let cancel = CancellationToken::new();
    let config = TcsConfig {
        api: api(peer.url()),
        identity: identity(),
        endpoint: Some(peer.url()),
        timings: impatient(Timings::TCS),
        publish: Duration::from_millis(100),
        jitter: Jitter::seeded(1),
    };
    let session = tokio::spawn(run_tcs(config, Idle, cancel.clone()));
    let tally =
        Tally::run_async("TCS frames", protocol_corpus("tcs"), async |input| peer.say(input).await).await;
    cancel.cancel();
    session.await.unwrap();
    peer.stop().await;
    tally
}
