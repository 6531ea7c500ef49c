//! An ACS loop with a test as its owner, and the messages tests say.

use crate::peer::{CLUSTER, INSTANCE, Opened, Peer, identity, within};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wharf_link::acs::{AcsConfig, AcsInbound, AcsOutbound, SessionId, run_acs};
use wharf_link::api::ApiClient;
use wharf_link::backoff::BackoffPolicy;
use wharf_link::jitter::Jitter;
use wharf_link::session::{Ending, Span, Timings};
use wharf_protocol::acs::{AckRequest, Message};

/// An ACS loop with its owner's ends.
pub struct Loop {
    pub inbound: mpsc::Receiver<AcsInbound>,
    pub outbound: mpsc::Sender<AcsOutbound>,
    pub cancel: CancellationToken,
    pub task: JoinHandle<()>,
}

/// Real timers, but impatient between sessions.
pub fn timings() -> Timings {
    let backoff = BackoffPolicy::new(Duration::from_millis(1), Duration::from_millis(20), 1.5);
    Timings { backoff, ..Timings::ACS }
}

pub fn short(milliseconds: u64) -> Span {
    Span { least: Duration::from_millis(milliseconds), spread: Duration::ZERO }
}

impl Loop {
    pub fn start(peer: &Peer, timings: Timings) -> Self {
        Self::start_at(peer.api(), None, timings)
    }

    pub fn start_at(api: ApiClient, endpoint: Option<String>, timings: Timings) -> Self {
        Self::start_with(api, endpoint, timings, 8)
    }

    pub fn start_with(api: ApiClient, endpoint: Option<String>, timings: Timings, room: usize) -> Self {
        let (inbound_sender, inbound) = mpsc::channel(room);
        let (outbound, outbound_receiver) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let config = AcsConfig { api, identity: identity(), endpoint, timings, jitter: Jitter::seeded(1) };
        let task = tokio::spawn(run_acs(config, inbound_sender, outbound_receiver, cancel.clone()));
        Self { inbound, outbound, cancel, task }
    }

    pub async fn next(&mut self) -> AcsInbound {
        within("an event for the owner", self.inbound.recv()).await.expect("the loop runs")
    }

    pub async fn connected(&mut self) -> SessionId {
        match self.next().await {
            AcsInbound::Connected { session } => session,
            other => panic!("expected a connect, got {other:?}"),
        }
    }

    pub async fn disconnected(&mut self) -> Ending {
        match self.next().await {
            AcsInbound::Disconnected { ending, .. } => ending,
            other => panic!("expected a disconnect, got {other:?}"),
        }
    }

    pub async fn message(&mut self) -> Message {
        match self.next().await {
            AcsInbound::Message { message, .. } => *message,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    pub async fn send(&self, session: Option<SessionId>, message_id: &str) {
        let ack = AckRequest { message_id: Some(message_id.to_owned()), ..AckRequest::default() };
        let frame = AcsOutbound { session, message: ack.into() };
        within("room for a frame", self.outbound.send(frame)).await.expect("the loop runs");
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        within("the loop to end", self.task).await.expect("the loop does not panic");
    }
}

pub fn heartbeat(id: &str) -> Value {
    json!({"type": "HeartbeatMessage", "message": {"healthy": true, "messageId": id}})
}

pub fn heartbeat_ack(id: &str) -> Value {
    json!({"type": "HeartbeatAckRequest", "message": {"messageId": id}})
}

pub fn payload(id: &str) -> Value {
    json!({"type": "PayloadMessage", "message": {
        "messageId": id, "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "tasks": []}})
}

/// The session works: a payload arrives, an answer leaves.
pub async fn works(acs: &mut Loop, opened: &mut Opened) {
    opened.say(payload("check")).await;
    assert!(matches!(acs.message().await, Message::PayloadMessage(_)));
    acs.send(None, "check").await;
    assert_eq!(opened.hear().await["message"]["messageId"], "check");
}
