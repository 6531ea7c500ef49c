//! One websocket: opened by a signed upgrade, read and written with deadlines, closed politely (spec 3.2, 3.6).
//!
//! Knows frames, not messages. The upgrade is an ordinary request of the shared HTTP client, so that proxies, TLS and
//! a refusal's whole body come for free; tungstenite takes over once the peer has agreed to switch.

use crate::api::ApiClient;
use crate::plane::ControlPlane;
use crate::session::{Ending, Session, closes_in_order};
use crate::transport::{read_capped, retry_after};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Response, StatusCode, Upgraded, Url};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};
use wharf_protocol::Refusal;
use wharf_wait::{Ticker, Wait};

/// The largest message that is held in memory; a payload of many tasks is far smaller.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// Buffers start small: an idle session should cost next to nothing.
const READ_BUFFER: usize = 4 * 1024;
/// What of a refusal's body is read.
const MAX_REFUSAL: usize = 64 * 1024;
/// What of an unreadable refusal goes into the log, in characters.
const EXCERPT: usize = 200;
/// How long a farewell may take; the peer may be the reason for it.
const FAREWELL: Duration = Duration::from_secs(1);

/// The half that hears.
pub(crate) type Reader<S> = SplitStream<WebSocketStream<S>>;
/// The half that speaks; a session has one writer.
pub(crate) type Writer<S> = SplitSink<WebSocketStream<S>, Message>;

/// What a websocket lies on: TCP, TLS over it, or the memory of a simulation.
pub(crate) trait Bytestream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Bytestream for S {}

/// Opens a websocket at `url` within `deadline`; on failure says how the attempt ended.
pub(crate) async fn open<P: ControlPlane>(
    plane: &P,
    url: &Url,
    deadline: Duration,
) -> Result<(Writer<P::Stream>, Reader<P::Stream>), Ending> {
    let opened = Wait::named("the websocket to open").owner("control-plane link").at_most(deadline);
    match opened.on(plane.upgrade(url)).await {
        Ok(Ok(upgraded)) => {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(0)
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await.split())
        }
        Ok(Err(ending)) => Err(ending),
        Err(_) => Err(Ending::Unreachable(format!("no websocket after {deadline:?}"))),
    }
}

/// Asks the peer to switch protocols, over HTTP.
pub(crate) async fn upgrade(api: &ApiClient, url: &Url) -> Result<Upgraded, Ending> {
    let key = generate_key();
    let signed = api.sign_upgrade(url).await.map_err(|error| Ending::Failed(chain(&error)))?;
    let request = api
        .http()
        .get(url.clone())
        .headers(signed)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key);
    let response = request.send().await.map_err(|error| Ending::Unreachable(chain(&error)))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(response).await);
    }
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes());
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        let reason = "the peer switched protocols without accepting the websocket".to_owned();
        return Err(Ending::Troubled { reason, retry_after: None });
    }
    response.upgrade().await.map_err(|error| Ending::Unreachable(chain(&error)))
}

async fn refusal(response: Response) -> Ending {
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let troubled = |reason| Ending::Troubled { reason, retry_after };
    let body = match read_capped(response, MAX_REFUSAL).await {
        Ok(body) => body,
        Err(error) => return troubled(format!("refused with status {status}; {}", chain(&error))),
    };
    let text = String::from_utf8_lossy(&body);
    match Refusal::parse(&text) {
        Some(refusal) if refusal.is_inactive_instance() => Ending::Inactive(refusal.to_string()),
        Some(refusal) if status.is_server_error() || asks_for_less(status) || retry_after.is_some() => {
            troubled(format!("refused with status {status}: {refusal}"))
        }
        Some(refusal) => Ending::Failed(format!("refused with status {status}: {refusal}")),
        None => {
            let excerpt: String = text.chars().take(EXCERPT).collect();
            troubled(format!("refused with status {status}: {excerpt:?}"))
        }
    }
}

fn asks_for_less(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
}

/// The next frame, or how the session ended: it broke, it was closed, or one of its timers is due. Text and binary frames are
/// read the same (spec 3.3). Pings are answered by the library.
///
/// Cancel-safe: a frame that is half here stays in the reader's buffer, and what was noticed of the peer stays noticed.
pub(crate) async fn next_in_time<S: Bytestream>(
    reader: &mut Reader<S>,
    timers: &mut Session,
    io_deadline: Duration,
) -> Result<Bytes, Ending> {
    loop {
        let timer = Wait::named("a timer of the session").owner("control-plane link");
        let next = Wait::named("a frame").owner("control-plane link").at_most(io_deadline);
        // Cancel-safe: a frame that is half here stays in the reader; a timer has no state. The timer comes first, so that a flood of
        // frames that are no signs of life cannot hold the session open; it is ready once, so it starves nobody.
        let message = tokio::select! {
            biased;
            () = timer.pause_until(timers.deadline()) => {
                return Err(timers.due(Instant::now()).unwrap_or(Ending::Silent));
            }
            message = next.on(reader.next()) => message,
        };
        timers.noticed(Instant::now());
        match message {
            Ok(Some(Ok(Message::Text(text)))) => return Ok(text.into()),
            Ok(Some(Ok(Message::Binary(bytes)))) => return Ok(bytes),
            Ok(Some(Ok(Message::Close(frame)))) => return Err(closed(frame)),
            Ok(Some(Ok(Message::Pong(_)))) => timers.answered_ping(Instant::now()),
            Ok(Some(Ok(Message::Ping(_) | Message::Frame(_)))) => {}
            Ok(Some(Err(error))) => return Err(broken(error)),
            Ok(None) => return Err(Ending::Closed),
            Err(_) => return Err(Ending::Unreachable(format!("nothing to read for {io_deadline:?}"))),
        }
    }
}

/// The moments at which a session pings: at once, so that it soon knows whether its peer answers, and then at each step.
pub(crate) fn pings(every: Duration) -> Ticker {
    Wait::named("the next ping").owner("control-plane link").every(every)
}

/// Asks the peer for a sign of life.
pub(crate) async fn ping<S: Bytestream>(writer: &mut Writer<S>, deadline: Duration) -> Result<(), Ending> {
    write(writer, Message::Ping(Bytes::new()), deadline).await
}

/// Writes one text frame within `deadline`.
pub(crate) async fn write_frame<S: Bytestream>(
    writer: &mut Writer<S>,
    text: String,
    deadline: Duration,
) -> Result<(), Ending> {
    write(writer, Message::text(text), deadline).await
}

async fn write<S: Bytestream>(
    writer: &mut Writer<S>,
    message: Message,
    deadline: Duration,
) -> Result<(), Ending> {
    let taken = Wait::named("a frame to be taken").owner("control-plane link").at_most(deadline);
    match taken.on(writer.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(error)),
        Err(_) => Err(Ending::Unreachable(format!("a frame was not taken for {deadline:?}"))),
    }
}

/// Says goodbye when the session ends on this side's account; best effort.
pub(crate) async fn say_goodbye<S: Bytestream>(writer: &mut Writer<S>, ending: &Ending) {
    let (code, reason) = match ending {
        Ending::Closed => return,
        Ending::Expired => (CloseCode::Normal, "ConnectionExpired: Reconnect to continue"),
        Ending::Silent => (CloseCode::Normal, "no heartbeat"),
        Ending::Stopped
        | Ending::Inactive(_)
        | Ending::Unreachable(_)
        | Ending::Troubled { .. }
        | Ending::Failed(_) => (CloseCode::Away, "session given up"),
    };
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // An error or a peer that does not read changes nothing: the socket is dropped next.
    let taken = Wait::named("the farewell to be taken").owner("control-plane link").at_most(FAREWELL);
    let _ = taken.on(writer.send(frame)).await;
}

fn closed(frame: Option<CloseFrame>) -> Ending {
    match frame {
        Some(frame) if closes_in_order(frame.code.into()) => Ending::Closed,
        Some(frame) => Ending::Failed(format!("closed with {}: {}", u16::from(frame.code), frame.reason)),
        None => Ending::Failed("closed without a code".to_owned()),
    }
}

fn broken(error: tungstenite::Error) -> Ending {
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::Closed,
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ending::Closed,
        tungstenite::Error::Io(error) => Ending::Unreachable(chain(&error)),
        // What does not speak the protocol in the middle of a session is not the control plane refusing something.
        other => Ending::Troubled { reason: chain(&other), retry_after: None },
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
