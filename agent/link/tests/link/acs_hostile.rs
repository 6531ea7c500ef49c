//! What a broken or hostile peer may send, and what of the session survives it (spec 3.3, 3.6).

use crate::acs_loop::{Loop, heartbeat, payload, short, timings, works};
use crate::peer::{Peer, within};
use crate::raw_peer::{RawPeer, frame, text_frame, until_closed};
use axum::extract::ws::Message as Frame;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use wharf_link::acs::AcsInbound;
use wharf_link::session::{Ending, Timings};
use wharf_protocol::acs::Message;

#[tokio::test]
async fn frames_that_cannot_be_read_are_survived() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let texts = [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"PayloadMessage\"}",
        "{\"type\":\"PayloadMessage\",\"message\":[1]}",
        "{\"type\":\"Nobody\",\"message\":{}}",
        &deep,
    ];
    for text in texts {
        opened.say_raw(Frame::text(text)).await;
    }
    opened.say_raw(Frame::binary(vec![0xff, 0xfe, 0x00])).await;
    works(&mut acs, &mut opened).await;
    acs.stop().await;
}

#[tokio::test]
async fn a_binary_frame_is_read_like_a_text_frame() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    opened.say_raw(Frame::binary(format!("{}\n", payload("p")).into_bytes())).await;
    assert!(matches!(acs.message().await, Message::PayloadMessage(_)));
    acs.stop().await;
}

#[tokio::test]
async fn messages_without_their_ids_and_messages_of_agents_are_dropped() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    opened.say(json!({"type": "PayloadMessage", "message": {"tasks": []}})).await;
    opened.say(json!({"type": "AckRequest", "message": {"messageId": "m"}})).await;
    opened.say(json!({"type": "CloseMessage", "message": {"message": "bye"}})).await;
    works(&mut acs, &mut opened).await;
    acs.stop().await;
}

#[tokio::test]
async fn a_large_payload_arrives_whole() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    let mut message = payload("p");
    message["message"]["tasks"] = json!([{"arn": "x".repeat(8 << 20)}]);
    opened.say(message).await;
    let Message::PayloadMessage(payload) = acs.message().await else { panic!("not a payload") };
    assert_eq!(payload.tasks[0].arn.as_ref().map(String::len), Some(8 << 20));
    acs.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_costs_the_session_and_nothing_else() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, timings());
    let mut opened = peer.accept().await;
    acs.connected().await;
    // The agent hangs up in the middle, so the peer may not be able to finish.
    let _ = within("the send", opened.socket.send(Frame::text("x".repeat(17 << 20)))).await;
    assert!(matches!(acs.disconnected().await, Ending::Troubled { .. }));
    let mut opened = peer.accept().await;
    acs.connected().await;
    works(&mut acs, &mut opened).await;
    acs.stop().await;
}

#[tokio::test]
async fn unknown_messages_do_not_keep_a_session_alive() {
    let mut peer = Peer::start().await;
    let mut acs = Loop::start(&peer, Timings { heartbeat: short(300), ..timings() });
    let mut opened = peer.accept().await;
    acs.connected().await;
    let chatter = async {
        // The socket's own readiness paces this: each round waits for the agent's close or a short tick.
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let unknown = json!({"type": "Nobody", "message": {}}).to_string();
            if opened.socket.send(Frame::text(unknown)).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        ending = acs.disconnected() => assert_eq!(ending, Ending::Silent),
        () = chatter => {}
    }
    acs.stop().await;
}

async fn raw(timings: Timings) -> (Peer, RawPeer, Loop) {
    let (peer, raw) = (Peer::start().await, RawPeer::start().await);
    let acs = Loop::start_at(peer.api(), Some(raw.url()), timings);
    (peer, raw, acs)
}

#[tokio::test]
async fn a_frame_may_arrive_one_byte_at_a_time() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    let mut stream = raw.accept().await;
    acs.connected().await;
    for byte in text_frame(&payload("p").to_string()) {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(matches!(acs.message().await, Message::PayloadMessage(_)));
    acs.stop().await;
}

#[tokio::test]
async fn a_frame_that_never_ends_is_silence() {
    let (_peer, raw, mut acs) = raw(Timings { heartbeat: short(100), ..timings() }).await;
    let mut stream = raw.accept().await;
    acs.connected().await;
    let frame = text_frame(&heartbeat("h").to_string());
    stream.write_all(&frame[..frame.len() - 1]).await.unwrap();
    assert_eq!(acs.disconnected().await, Ending::Silent);
    until_closed(&mut stream).await;
    raw.accept().await;
    acs.stop().await;
}

#[tokio::test]
async fn a_fragmented_message_is_put_together() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    let mut stream = raw.accept().await;
    acs.connected().await;
    let text = payload("p").to_string().into_bytes();
    stream.write_all(&frame(0x01, &text[..10])).await.unwrap();
    stream.write_all(&frame(0x89, b"ping between")).await.unwrap();
    stream.write_all(&frame(0x80, &text[10..])).await.unwrap();
    assert!(matches!(acs.message().await, Message::PayloadMessage(_)));
    acs.stop().await;
}

#[tokio::test]
async fn fragments_cannot_add_up_to_more_than_a_message_may_be() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    let mut stream = raw.accept().await;
    acs.connected().await;
    let nine_mebibytes = vec![b'x'; 9 << 20];
    stream.write_all(&frame(0x01, &nine_mebibytes)).await.unwrap();
    // The agent hangs up in the middle of this one.
    let _ = within("the write", stream.write_all(&frame(0x80, &nine_mebibytes))).await;
    assert!(matches!(acs.disconnected().await, Ending::Troubled { .. }));
    acs.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_frames_cost_the_session_and_nothing_else() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    for garbage in [&[b'H'; 256][..], &[0xff; 64], &frame(0x81, &[0xc3, 0x28])] {
        let mut stream = raw.accept().await;
        acs.connected().await;
        stream.write_all(garbage).await.unwrap();
        assert!(matches!(acs.disconnected().await, Ending::Troubled { .. }), "{garbage:?}");
        until_closed(&mut stream).await;
    }
    let mut stream = raw.accept().await;
    acs.connected().await;
    stream.write_all(&text_frame(&heartbeat("h").to_string())).await.unwrap();
    assert_eq!(acs.next().await, AcsInbound::Heartbeat);
    acs.stop().await;
}

#[tokio::test]
async fn a_connection_that_just_drops_reconnects() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    for _ in 0..3 {
        drop(raw.accept().await);
        acs.connected().await;
        assert!(matches!(acs.disconnected().await, Ending::Closed | Ending::Unreachable(_)));
    }
    acs.stop().await;
}

#[tokio::test]
async fn a_peer_that_never_answers_the_upgrade_is_given_up() {
    let soon = Duration::from_millis(100);
    let (_peer, raw, mut acs) = raw(Timings { connect: soon, patient: soon, ..timings() }).await;
    let (mut mute, _) = raw.accept_request().await;
    let (_second, _) = raw.accept_request().await;
    until_closed(&mut mute).await;
    assert!(acs.inbound.try_recv().is_err(), "the owner hears nothing of attempts");
    acs.stop().await;
}

#[tokio::test]
async fn an_upgrade_that_is_not_a_websockets_is_refused() {
    let (_peer, raw, mut acs) = raw(timings()).await;
    let (mut stream, _) = raw.accept_request().await;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: bm90IHlvdXJzIQ==\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    until_closed(&mut stream).await;
    raw.accept().await;
    acs.connected().await;
    acs.stop().await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_costs_the_session_after_the_write_deadline() {
    let io_deadline = Duration::from_millis(200);
    let (_peer, raw, mut acs) = raw(Timings { io_deadline, ..timings() }).await;
    let stream = raw.accept().await;
    acs.connected().await;
    let big = "x".repeat(4 << 20);
    for _ in 0..4 {
        acs.send(None, &big).await;
    }
    match acs.disconnected().await {
        Ending::Unreachable(reason) => assert!(reason.contains("for 200ms"), "{reason}"),
        other => panic!("{other:?}"),
    }
    raw.accept().await;
    drop(stream);
    acs.stop().await;
}
