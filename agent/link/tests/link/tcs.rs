//! TCS sessions against the peer: signed frames, ticks, signs of life (spec 4).

use crate::acs_loop::short;
use crate::peer::{INSTANCE, Opened, Peer, check_signature, identity, within};
use axum::extract::ws::Message as Frames;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wharf_link::backoff::BackoffPolicy;
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_link::tcs::{InstanceStatusReport, MetricsSnapshot, TcsConfig, TelemetrySource, run_tcs};
use wharf_protocol::sigv4::RequestParts;
use wharf_protocol::tcs::{Frame, InstanceStatus, TaskHealth, TaskMetric};

/// A source with a fixed number of tasks; the doctor's run is set from outside.
#[derive(Clone, Default)]
struct Source {
    tasks: usize,
    healthy_tasks: usize,
    run: Arc<AtomicU64>,
}

impl TelemetrySource for Source {
    fn metrics(&mut self) -> MetricsSnapshot {
        let task = |n: usize| TaskMetric { task_arn: Some(format!("t{n}")), ..TaskMetric::default() };
        match self.tasks {
            0 => MetricsSnapshot::Idle,
            count => MetricsSnapshot::Tasks((0..count).map(task).collect()),
        }
    }

    fn health(&mut self) -> Vec<TaskHealth> {
        let task = |n: usize| TaskHealth { task_arn: Some(format!("t{n}")), ..TaskHealth::default() };
        (0..self.healthy_tasks).map(task).collect()
    }

    fn instance_status(&mut self) -> InstanceStatusReport {
        let run = self.run.load(Ordering::SeqCst);
        let status = InstanceStatus { status: Some(format!("run {run}")), ..InstanceStatus::default() };
        InstanceStatusReport { run, statuses: vec![status] }
    }
}

struct Loop {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Loop {
    fn start(peer: &Peer, source: Source, publish: Duration, timings: Timings) -> Self {
        let cancel = CancellationToken::new();
        let jitter = Jitter::seeded(1);
        let config =
            TcsConfig { api: peer.api(), identity: identity(), endpoint: None, timings, publish, jitter };
        let task = tokio::spawn(run_tcs(config, source, cancel.clone()));
        Self { cancel, task }
    }

    async fn stop(self) {
        self.cancel.cancel();
        within("the loop to end", self.task).await.expect("the loop does not panic");
    }
}

fn timings() -> Timings {
    let backoff = BackoffPolicy::new(Duration::from_millis(1), Duration::from_millis(20), 2.0);
    Timings { backoff, ..Timings::TCS }
}

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(20);

/// The next frame's envelope, after its header block was verified as the signature of this connection.
async fn hear(opened: &mut Opened) -> Value {
    let text = opened.hear_text().await;
    assert!(text.starts_with("Authorization: AWS4-HMAC-SHA256 Credential="), "{text}");
    assert!(text.contains("\r\n\r\n{\"type\":"), "{text}");
    let frame = Frame::split(&text);
    let parts = RequestParts::of_tcs_frame(&opened.path_and_query, &frame);
    check_signature(&parts, frame.body.as_bytes()).expect("a signed frame");
    serde_json::from_str(frame.body).expect("JSON")
}

#[tokio::test]
async fn the_session_names_the_agent_but_no_runtime() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source::default(), NEVER, timings());
    let parameters = peer.accept().await.parameters();
    let pairs: Vec<_> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let expected = [
        ("agentHash", "*abc123"),
        ("agentVersion", "0.1.0"),
        ("cluster", "c1"),
        ("containerInstance", INSTANCE),
    ];
    assert_eq!(pairs, expected);
    tcs.stop().await;
}

#[tokio::test]
async fn metrics_go_out_right_away_signed_and_paged() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source { tasks: 11, ..Source::default() }, NEVER, timings());
    let mut opened = peer.accept().await;
    let (first, second) = (hear(&mut opened).await, hear(&mut opened).await);
    for (page, tasks, fin) in [(&first, 10, false), (&second, 1, true)] {
        assert_eq!(page["type"], "PublishMetricsRequest");
        assert_eq!(page["message"]["taskMetrics"].as_array().unwrap().len(), tasks);
        assert_eq!(page["message"]["metadata"]["fin"], fin);
        assert_eq!(page["message"]["metadata"]["messageId"], first["message"]["metadata"]["messageId"]);
    }
    tcs.stop().await;
}

#[tokio::test]
async fn every_tick_publishes_metrics_and_health_under_a_new_id() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source { tasks: 1, healthy_tasks: 1, ..Source::default() }, SOON, timings());
    let mut opened = peer.accept().await;
    let mut ids = std::collections::BTreeSet::new();
    let mut kinds = Vec::new();
    for _ in 0..7 {
        let message = hear(&mut opened).await;
        kinds.push(message["type"].as_str().unwrap().to_owned());
        ids.insert(message["message"]["metadata"]["messageId"].as_str().map(str::to_owned));
    }
    let (metrics, health, status) =
        ("PublishMetricsRequest", "PublishHealthRequest", "PublishInstanceStatusRequest");
    assert_eq!(kinds, [metrics, health, status, metrics, health, metrics, health]);
    assert_eq!(ids.len(), 7, "each message has an id of its own, the status none of that name");
    tcs.stop().await;
}

#[tokio::test]
async fn an_idle_instance_publishes_that_it_is_idle() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source::default(), NEVER, timings());
    let mut opened = peer.accept().await;
    let message = hear(&mut opened).await;
    assert_eq!(message["message"]["metadata"]["idle"], true);
    assert_eq!(message["message"]["metadata"]["fin"], true);
    tcs.stop().await;
}

#[tokio::test]
async fn each_run_of_the_doctor_is_published_once_even_over_reconnects() {
    let mut peer = Peer::start().await;
    let source = Source::default();
    let tcs = Loop::start(&peer, source.clone(), SOON, timings());
    let mut opened = peer.accept().await;
    let next_status = async |opened: &mut Opened| loop {
        let message = hear(opened).await;
        if message["type"] == "PublishInstanceStatusRequest" {
            return message["message"]["statuses"][0]["status"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(next_status(&mut opened).await, "run 0");
    drop(opened);
    let mut opened = peer.accept().await;
    for _ in 0..5 {
        assert_eq!(hear(&mut opened).await["type"], "PublishMetricsRequest");
    }
    source.run.store(1, Ordering::SeqCst);
    assert_eq!(next_status(&mut opened).await, "run 1");
    tcs.stop().await;
}

/// Answers every frame with a message of this kind; true when the session outlives its heartbeat timer, of so many milliseconds,
/// twice over.
async fn outlives_silence_by(kind: &str, silence: u64) -> bool {
    let mut peer = Peer::start().await;
    let publish = Duration::from_millis(silence / 20);
    let timings = Timings { heartbeat: short(silence), ..timings() };
    let tcs = Loop::start(&peer, Source::default(), publish, timings);
    let mut opened = peer.accept().await;
    for _ in 0..40 {
        let frame = within("a frame", opened.socket.recv()).await;
        if matches!(frame, Some(Ok(Frames::Ping(_)))) {
            continue;
        }
        if !matches!(frame, Some(Ok(Frames::Text(_)))) {
            peer.accept().await;
            tcs.stop().await;
            return false;
        }
        // The agent may be closing right now; the next frame tells.
        let _ = opened.socket.send(Frames::text(json!({"type": kind, "message": {}}).to_string())).await;
    }
    tcs.stop().await;
    true
}

#[tokio::test]
async fn heartbeats_and_acks_keep_a_session_alive() {
    let kinds = ["HeartbeatMessage", "AckPublishMetric", "AckPublishHealth", "AckPublishInstanceStatus"];
    // Long enough that a busy machine does not look like silence.
    let outlived = join_all(kinds.map(|kind| outlives_silence_by(kind, 3000))).await;
    assert_eq!(outlived, [true; 4]);
}

#[tokio::test]
async fn other_messages_do_not_keep_a_session_alive() {
    let kinds = ["StopTelemetrySessionMessage", "Nobody"];
    let outlived = join_all(kinds.map(|kind| outlives_silence_by(kind, 400))).await;
    assert_eq!(outlived, [false; 2]);
}

#[tokio::test]
async fn a_discovery_without_a_telemetry_endpoint_is_tried_again() {
    let mut peer = Peer::start().await;
    peer.forget("DiscoverPollEndpoint");
    for _ in 0..3 {
        peer.answer("DiscoverPollEndpoint", 200, json!({"endpoint": peer.url()}));
    }
    let tcs = Loop::start(&peer, Source::default(), NEVER, timings());
    // The empty answer must not be remembered for 12 h.
    peer.answer(
        "DiscoverPollEndpoint",
        200,
        json!({"endpoint": peer.url(), "telemetryEndpoint": peer.url()}),
    );
    peer.accept().await;
    tcs.stop().await;
}

#[tokio::test]
async fn a_refused_session_is_tried_again_even_when_called_inactive() {
    let mut peer = Peer::start().await;
    peer.refuse_next(400, r#"{"InactiveInstanceException":"gone"}"#);
    peer.refuse_next(500, r#"{"ServerException":"later"}"#);
    let tcs = Loop::start(&peer, Source::default(), NEVER, timings());
    peer.accept().await;
    tcs.stop().await;
}

#[tokio::test]
async fn a_garbled_frame_is_survived() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source::default(), SOON, timings());
    let mut opened = peer.accept().await;
    hear(&mut opened).await;
    opened.say_raw(Frames::binary(vec![0xff])).await;
    opened.say_raw(Frames::text("{")).await;
    for _ in 0..3 {
        hear(&mut opened).await;
    }
    assert!(peer.nobody_came());
    tcs.stop().await;
}

#[tokio::test]
async fn an_old_session_is_closed_with_1000_and_opened_anew() {
    let mut peer = Peer::start().await;
    let tcs = Loop::start(&peer, Source::default(), NEVER, Timings { lifetime: short(100), ..timings() });
    let mut opened = peer.accept().await;
    let farewell = "ConnectionExpired: Reconnect to continue".to_owned();
    assert_eq!(opened.hear_close().await, (1000, farewell));
    peer.accept().await;
    tcs.stop().await;
}
