//! ACS sessions against the peer: connect, heartbeat, messages, ends, reconnects (spec 3).

use crate::acs_loop::{Loop, heartbeat, heartbeat_ack, payload, short, timings, works};
use crate::peer::{INSTANCE, Peer, limits, within};
use serde_json::{Value, json};
use std::time::Duration;
use wharf_link::acs::{AcsInbound, SessionId};
use wharf_link::api::CallLimits;
use wharf_link::session::{Ending, Timings};
use wharf_protocol::acs::Message;

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
    // Ten messages fit into the silence, so that a busy machine does not bring it about; twelve outlast it.
    let mut acs = Loop::start(&peer, Timings { heartbeat: short(3000), ..timings() });
    let mut opened = peer.accept().await;
    acs.connected().await;
    let mut ticks = tokio::time::interval(Duration::from_millis(300));
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
    // A kernel resets a connection whose owner died with something unread, such as a ping.
    let ending = acs.disconnected().await;
    assert!(matches!(ending, Ending::Closed | Ending::Unreachable(_)), "{ending:?}");
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
    // Within this time the payload has to arrive, too.
    let io_deadline = Duration::from_secs(1);
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
