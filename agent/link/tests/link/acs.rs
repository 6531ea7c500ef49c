//! ACS sessions against the peer: connect, heartbeat, messages, ends, reconnects (spec 3).

use crate::peer::{CLUSTER, INSTANCE, Opened, Peer, identity, limits, within};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wharf_link::acs::{AcsConfig, AcsInbound, AcsOutbound, SessionId, run_acs};
use wharf_link::api::{ApiClient, CallLimits};
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

#[tokio::test]
async fn a_session_names_the_agent_and_asks_for_credentials_until_it_was_open_once() {
    let mut peer = Peer::start().await;
    peer.refuse_next(500, "{}");
    let mut acs = Loop::start(&peer, timings());
    let first = peer.accept().await;
    assert_eq!(acs.connected().await, SessionId(1));
    let parameters = first.parameters();
    let expected = [
        ("agentHash", "*abc123"),
        ("agentVersion", "0.1.0"),
        ("clusterArn", "c1"),
        ("containerInstanceArn", INSTANCE),
        ("dockerVersion", "containerd"),
        ("protocolVersion", "2"),
        ("sendCredentials", "true"),
        ("seqNum", "1"),
    ];
    let pairs: Vec<_> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, expected);
    drop(first);
    assert_eq!(acs.disconnected().await, Ending::Closed);
    assert_eq!(peer.accept().await.parameters()["sendCredentials"], "false");
    assert_eq!(acs.connected().await, SessionId(2));
    acs.stop().await;
}

#[tokio::test]
async fn a_heartbeat_is_acknowledged_and_passed_on() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    opened.say(heartbeat("h-1")).await;
    assert_eq!(opened.hear().await, heartbeat_ack("h-1"));
    assert_eq!(acs.next().await, AcsInbound::Heartbeat);
    acs.stop().await;
}

#[tokio::test]
async fn a_payload_reaches_the_owner_with_its_session_and_the_ack_goes_back() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    let session = acs.connected().await;
    opened.say(payload("p-1")).await;
    match acs.next().await {
        AcsInbound::Message { session: from, message } => {
            assert_eq!(from, session);
            let Message::PayloadMessage(payload) = *message else { panic!("not a payload: {message:?}") };
            assert_eq!(payload.message_id.as_deref(), Some("p-1"));
        }
        other => panic!("expected a payload, got {other:?}"),
    }
    acs.send(Some(session), "p-1").await;
    let ack = json!({"type": "AckRequest", "message": {"messageId": "p-1"}});
    assert_eq!(opened.hear().await, ack);
    acs.stop().await;
}

#[tokio::test]
async fn frames_for_a_dead_session_are_dropped() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let first = peer.accept().await;
    let dead = acs.connected().await;
    drop(first);
    acs.disconnected().await;
    let mut second = peer.accept().await;
    let alive = acs.connected().await;
    acs.send(Some(dead), "late").await;
    acs.send(Some(alive), "in time").await;
    assert_eq!(second.hear().await["message"]["messageId"], "in time");
    acs.stop().await;
}

#[tokio::test]
async fn the_owner_never_waits_for_a_connection() {
    let peer = Peer::start().await;
    let api = peer.api();
    peer.stop().await;
    let acs = Loop::start_at(api, None, timings());
    for n in 0..100 {
        acs.send(None, &n.to_string()).await;
    }
    acs.stop().await;
}

#[tokio::test]
async fn silence_ends_the_session_and_a_new_one_begins() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, Timings { heartbeat: short(100), ..timings() });
    let mut opened = peer.accept().await;
    acs.connected().await;
    assert_eq!(opened.hear_close().await, (1000, "no heartbeat".to_owned()));
    assert_eq!(acs.disconnected().await, Ending::Silent);
    peer.accept().await;
    acs.stop().await;
}

#[tokio::test]
async fn messages_keep_a_session_alive() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, Timings { heartbeat: short(500), ..timings() });
    let mut opened = peer.accept().await;
    acs.connected().await;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..12 {
        ticks.tick().await;
        works(&mut acs, &mut opened).await;
    }
    acs.stop().await;
}

#[tokio::test]
async fn an_old_session_is_closed_with_1000_and_opened_anew() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, Timings { lifetime: short(100), ..timings() });
    let mut opened = peer.accept().await;
    acs.connected().await;
    let farewell = "ConnectionExpired: Reconnect to continue".to_owned();
    assert_eq!(opened.hear_close().await, (1000, farewell));
    assert_eq!(acs.disconnected().await, Ending::Expired);
    peer.accept().await;
    acs.stop().await;
}

#[tokio::test]
async fn an_orderly_close_is_told_apart_from_others() {
    use axum::extract::ws::{CloseFrame, Message as Frame};
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    for (code, orderly) in [(1000, true), (1001, true), (1011, true), (1008, false), (4000, false)] {
        let mut opened = peer.accept().await;
        acs.connected().await;
        opened.say_raw(Frame::Close(Some(CloseFrame { code, reason: "because".into() }))).await;
        match acs.disconnected().await {
            Ending::Closed => assert!(orderly, "{code}"),
            Ending::Failed(reason) => assert!(!orderly && reason.contains("because"), "{code}: {reason}"),
            other => panic!("{code}: {other:?}"),
        }
    }
    acs.stop().await;
}

#[tokio::test]
async fn an_inactive_instance_is_told_and_waited_for() {
    let mut peer = Peer::start().await;
    let body = r#"{"InactiveInstanceException":"deregistered"}"#;
    peer.refuse_next(400, body);
    let mut acs = Loop::start(&peer, Timings { inactive: Duration::from_millis(50), ..timings() });
    let reason = "InactiveInstanceException: deregistered".to_owned();
    assert_eq!(acs.next().await, AcsInbound::Inactive { reason });
    peer.accept().await;
    acs.connected().await;
    acs.stop().await;
}

#[tokio::test]
async fn an_inactive_instance_does_not_come_back_before_its_wait() {
    let mut peer = Peer::start().await;
    peer.refuse_next(400, r#"{"type":"InactiveInstanceException","message":{"message":"gone"}}"#);
    let mut acs = Loop::start(&peer, timings());
    assert!(matches!(acs.next().await, AcsInbound::Inactive { .. }));
    // The owner's frames are still taken and cancelling still works within that hour.
    acs.send(None, "x").await;
    assert!(peer.nobody_came());
    acs.stop().await;
}

#[tokio::test]
async fn other_refusals_are_tried_again() {
    let mut peer = Peer::start().await;
    for body in [r#"{"InvalidInstanceException":"?"}"#, r#"{"AccessDeniedException":"?"}"#, "<html>", ""] {
        peer.refuse_next(400, body);
    }
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    works(&mut acs, &mut opened).await;
    acs.stop().await;
}

#[tokio::test]
async fn a_control_plane_that_dies_and_comes_back_is_found_again() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let opened = peer.accept().await;
    acs.connected().await;
    let address = peer.stop().await;
    drop(opened);
    assert_eq!(acs.disconnected().await, Ending::Closed);
    let mut peer = Peer::start_at(address).await;
    let mut opened = peer.accept().await;
    acs.connected().await;
    works(&mut acs, &mut opened).await;
    acs.stop().await;
}

#[tokio::test]
async fn a_control_plane_that_moved_is_found_by_asking_again() {
    let mut old = Peer::start().await;
    let mut new = Peer::start().await;
    // The API stays where it is; only the ACS endpoint moves.
    old.forget("DiscoverPollEndpoint");
    let gone = Peer::start().await;
    old.answer("DiscoverPollEndpoint", 200, json!({"endpoint": gone.url()}));
    gone.stop().await;
    old.answer("DiscoverPollEndpoint", 200, json!({"telemetryEndpoint": new.url()}));
    old.answer("DiscoverPollEndpoint", 200, json!({"endpoint": new.url()}));
    let mut acs = Loop::start(&old, timings());
    new.accept().await;
    acs.connected().await;
    assert!(old.nobody_came());
    acs.stop().await;
}

#[tokio::test]
async fn a_fixed_endpoint_is_not_discovered() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start_at(peer.api(), Some(peer.url()), timings());
    peer.accept().await;
    acs.connected().await;
    assert_eq!(peer.calls("DiscoverPollEndpoint"), [] as [Value; 0]);
    acs.stop().await;
}

#[tokio::test]
async fn a_session_outlives_the_deadline_of_calls() {
    let mut peer = Peer::start().await;
    let whole = Duration::from_millis(300);
    let api = peer.api_with(CallLimits { whole, connect: whole, ..limits() });
    let mut acs = Loop::start_at(api, None, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    let mut ticks = tokio::time::interval(whole / 3);
    for _ in 0..7 {
        ticks.tick().await;
        works(&mut acs, &mut opened).await;
    }
    acs.stop().await;
}

#[tokio::test]
async fn cancelling_says_goodbye_and_ends() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    acs.cancel.cancel();
    assert_eq!(opened.hear_close().await.0, 1001);
    acs.stop().await;
}

#[tokio::test]
async fn the_loop_ends_when_its_owner_is_gone() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    drop(acs.inbound);
    assert_eq!(opened.hear_close().await.0, 1001);
    within("the loop to end", acs.task).await.expect("the loop does not panic");
}

#[tokio::test]
async fn an_owner_that_does_not_take_messages_costs_the_session() {
    let mut peer = Peer::start().await;
    let io_deadline = Duration::from_millis(100);
    let mut acs = Loop::start_with(peer.api(), None, Timings { io_deadline, ..timings() }, 1);
    let mut opened = peer.accept().await;
    // One fits into the channel beside nothing else: `Connected` is still in it.
    opened.say(payload("p-1")).await;
    assert_eq!(opened.hear_close().await.0, 1001);
    acs.connected().await;
    match acs.disconnected().await {
        Ending::Failed(reason) => assert!(reason.contains("did not take"), "{reason}"),
        other => panic!("{other:?}"),
    }
    peer.accept().await;
    acs.stop().await;
}
