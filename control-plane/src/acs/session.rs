//! One agent's ACS connection: the handshake, and then frames in both directions until one side goes silent.
//!
//! Owns heartbeats and decoding. Refuses to decide what to send: that comes from the owner, after it was saved.

use crate::journal::{Journal, JournalKind};
use crate::model::Model;
use crate::model::instance::AgentVersion;
use crate::model::session::Hello;
use crate::model::time::Time;
use crate::owner::Accepted;
use crate::server::Shared;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wharf_protocol::acs::{self, Message};
use wharf_protocol::arn::ContainerInstanceArn;
use wharf_protocol::{Refusal, api};
use wharf_wait::{Wait, message};

/// How long a frame may take to leave; a peer that takes longer is gone.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Largest frame taken from an agent; telemetry comes in pages of at most 1 MiB (spec 4.5).
pub const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;
/// Heartbeats in a row that may stay without an answer (spec 3.6).
const MOST_UNANSWERED: u32 = 2;

/// Answers `GET …/acs/ws`.
pub async fn handle(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    parts: request::Parts,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(error) = shared.keys.verify(&parts, b"") {
        return refuse(&denied(&error.to_string()));
    }
    let hello = hello(&query);
    let (cluster, instance) = (hello.cluster.clone(), hello.instance.clone());
    match shared.owner.call(move |model, _turn| model.admit(&cluster, &instance)).await {
        Ok(Ok(_instance)) => {
            let tracker = shared.sessions.clone();
            let upgrade = upgrade.max_message_size(LARGEST_MESSAGE);
            upgrade.on_upgrade(move |socket| tracker.track_future(converse(shared, hello, socket)))
        }
        Ok(Err(refusal)) => {
            tracing::info!(%refusal, "agent refused");
            refuse(&refusal)
        }
        Err(gone) => refuse(&Refusal { exception: "ServerException".to_owned(), text: gone.to_string() }),
    }
}

/// The refusal of a signature.
pub fn denied(text: &str) -> Refusal {
    Refusal { exception: "AccessDeniedException".to_owned(), text: text.to_owned() }
}

/// A handshake's answer that is no upgrade (spec 3.2).
pub fn refuse(refusal: &Refusal) -> Response {
    let status = match refusal.exception.as_str() {
        "AccessDeniedException" => StatusCode::FORBIDDEN,
        "ServerException" => StatusCode::INTERNAL_SERVER_ERROR,
        _client => StatusCode::BAD_REQUEST,
    };
    (status, [(header::CONTENT_TYPE, api::CONTENT_TYPE)], refusal.to_body()).into_response()
}

fn hello(query: &BTreeMap<String, String>) -> Hello {
    let text = |name: &str| query.get(name).cloned();
    Hello {
        instance: text("containerInstanceArn").unwrap_or_default(),
        cluster: text("clusterArn").unwrap_or_default(),
        send_credentials: text("sendCredentials").as_deref() == Some("true"),
        agent: AgentVersion {
            version: text("agentVersion"),
            hash: text("agentHash"),
            runtime: text("dockerVersion"),
        },
    }
}

/// Why a conversation ended.
#[derive(Debug)]
enum End {
    /// The agent closed, or its connection broke.
    Left,
    /// It did not answer heartbeats, or did not read.
    Silent,
    /// Another connection took its place, the instance was deregistered, or it let messages pile up.
    Replaced,
    /// This side shuts down.
    Shutdown,
}

/// The conversation counts as begun only here, so that a handshake that breaks off leaves nothing behind.
async fn converse(shared: Arc<Shared>, hello: Hello, mut socket: WebSocket) {
    let Accepted { session, instance, messages } = match shared.owner.connect(hello).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(refusal)) => {
            tracing::info!(%refusal, "agent refused after the handshake");
            return;
        }
        Err(_gone) => return,
    };
    tracing::info!(%instance, session = session.0, "agent connected");
    let mut talk = Talk { shared: &shared, instance: &instance, unanswered: 0 };
    let end = talk.run(&mut socket, messages).await;
    tracing::info!(%instance, session = session.0, ?end, "agent disconnected");
    let left = instance.clone();
    // Fails only when the owner ended, and with it everything that was connected.
    let _told = shared.owner.tell(move |model, turn| model.disconnect(&left, session, turn.now)).await;
    close(&mut socket, &end).await;
}

async fn close(socket: &mut WebSocket, end: &End) {
    let (code, reason) = match end {
        End::Left => return,
        End::Silent => (close_code::AWAY, "no answer to heartbeats"),
        End::Replaced => (close_code::NORMAL, "the connection was replaced"),
        End::Shutdown => (close_code::AWAY, "the control plane shuts down"),
    };
    let frame = Frame::Close(Some(CloseFrame { code, reason: reason.into() }));
    let taken =
        Wait::named("the farewell to be taken").owner("an acs session").at_most(Duration::from_secs(1));
    let sent = taken.on(socket.send(frame)).await;
    tracing::debug!(?sent, "close frame");
}

/// A conversation in progress.
struct Talk<'a> {
    shared: &'a Shared,
    instance: &'a ContainerInstanceArn,
    unanswered: u32,
}

impl Talk<'_> {
    async fn run(&mut self, socket: &mut WebSocket, mut messages: mpsc::Receiver<Vec<Message>>) -> End {
        let mut beat = Wait::named("the next heartbeat").owner("an acs session").every(self.shared.heartbeat);
        loop {
            let said = Wait::endless("messages for an agent", "there are some when something is asked of it");
            // Cancel-safe: a frame is only taken out when `recv` is ready, likewise a batch; the others are levels.
            tokio::select! {
                frame = socket.recv() => match frame {
                    Some(Ok(Frame::Text(text))) => self.hear(&text).await,
                    Some(Ok(Frame::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                        Ok(text) => self.hear(text).await,
                        Err(error) => tracing::warn!(instance = %self.instance, %error, "binary frame dropped"),
                    },
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return End::Left,
                },
                batch = said.of(message(&mut messages)) => {
                    let Some(batch) = batch else { return End::Replaced };
                    for message in &batch {
                        if !self.say(socket, message).await {
                            return End::Silent;
                        }
                    }
                }
                () = beat.tick() => {
                    if self.unanswered >= MOST_UNANSWERED {
                        return End::Silent;
                    }
                    self.unanswered += 1;
                    let id = uuid::Uuid::new_v4().to_string();
                    let beat = acs::HeartbeatMessage { healthy: Some(true), message_id: Some(id) };
                    if !self.say(socket, &Message::HeartbeatMessage(beat)).await {
                        return End::Silent;
                    }
                }
                () = self.shared.stop.cancelled() => return End::Shutdown,
            }
        }
    }

    /// Sends a message; false when the agent does not take it.
    async fn say(&self, socket: &mut WebSocket, message: &Message) -> bool {
        let text = acs::encode(message);
        tracing::trace!(instance = %self.instance, kind = message.type_name(), "send");
        note(&self.shared.journal, message);
        let taken = Wait::named("a frame to be taken").owner("an acs session").at_most(WRITE_DEADLINE);
        matches!(taken.on(socket.send(Frame::Text(text.into()))).await, Ok(Ok(())))
    }

    async fn hear(&mut self, text: &str) {
        match acs::decode(text) {
            Ok(acs::Decoded::Message(message)) => self.act(message).await,
            Ok(acs::Decoded::Unknown { type_name }) => {
                tracing::debug!(instance = %self.instance, type_name, "message of unknown type dropped");
            }
            Err(error) => tracing::warn!(instance = %self.instance, %error, "malformed frame dropped"),
        }
    }

    async fn act(&mut self, message: Message) {
        self.unanswered = 0; // whoever speaks is alive
        match message {
            Message::AckRequest(ack) => {
                let id = ack.message_id.unwrap_or_default();
                self.tell(move |model, instance, now| model.acknowledge(instance, &id, now)).await;
            }
            Message::TaskStopVerificationMessage(asked) => {
                let instance = self.instance.clone();
                let asked = self
                    .shared
                    .owner
                    .call(move |model, turn| model.verify_stops(&instance, &asked, turn.now));
                if asked.await.is_err() {
                    tracing::debug!("the owner ended");
                }
            }
            Message::NackRequest(nack) => {
                tracing::warn!(instance = %self.instance, reason = nack.reason, "agent refuses a message");
            }
            // Credentials are sent anew before they expire, whether the last ones were acknowledged or not.
            Message::IAMRoleCredentialsAckRequest(_) | Message::HeartbeatAckRequest(_) => {}
            other @ (Message::HeartbeatMessage(_)
            | Message::PayloadMessage(_)
            | Message::IAMRoleCredentialsMessage(_)
            | Message::TaskManifestMessage(_)
            | Message::TaskStopVerificationAck(_)
            | Message::AttachTaskNetworkInterfacesMessage(_)
            | Message::AttachInstanceNetworkInterfacesMessage(_)
            | Message::ConfirmAttachmentMessage(_)
            | Message::StageUpdateMessage(_)
            | Message::PerformUpdateMessage(_)
            | Message::CloseMessage(_)
            | Message::ErrorMessage(_)) => {
                tracing::warn!(instance = %self.instance, kind = other.type_name(), "not a message for this side");
            }
        }
    }

    /// Tells the owner what the agent said, without waiting: what it owes the agent must not wait behind this.
    async fn tell(&self, work: impl FnOnce(&mut Model, &ContainerInstanceArn, Time) + Send + 'static) {
        let instance = self.instance.clone();
        if self.shared.owner.tell(move |model, turn| work(model, &instance, turn.now)).await.is_err() {
            tracing::debug!("the owner ended");
        }
    }
}

/// Tells the journal what is about to leave.
fn note(journal: &Journal, message: &Message) {
    let now = Instant::now();
    if let Message::PayloadMessage(payload) = message {
        for task in &payload.tasks {
            let kind = JournalKind::PayloadSent {
                message: payload.message_id.clone().unwrap_or_default(),
                desired: task.desired_status.clone().unwrap_or_default(),
            };
            journal.note(now, task.arn.as_deref().unwrap_or_default(), kind);
        }
    }
    if let Message::AttachTaskNetworkInterfacesMessage(attach) = message {
        journal.note(now, attach.task_arn.as_deref().unwrap_or_default(), JournalKind::AttachSent);
    }
}
