//! TCS: what agents measure (spec section 4). The last report of each task and instance is kept in memory.
//!
//! Owns one connection's frames: header block off, signature checked when there is one, each request acknowledged.

use crate::acs::session::{LARGEST_MESSAGE, refuse};
use crate::model::Model;
use crate::server::Shared;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::request;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wharf_protocol::Refusal;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};
use wharf_protocol::sigv4::RequestParts;
use wharf_protocol::tcs::{self, Message};
use wharf_wait::Wait;

/// How long a frame may take to leave; a peer that takes longer is gone.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// An agent publishes every 20 s; one that is silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(180);

/// Answers `GET …/tcs/ws`.
pub async fn handle(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    parts: request::Parts,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(error) = shared.keys.verify(&parts, b"") {
        return refuse(&Refusal { exception: "BadRequestException".to_owned(), text: error.to_string() });
    }
    let text = |name: &str| query.get(name).cloned().unwrap_or_default();
    let (cluster, instance) = (text("cluster"), text("containerInstance"));
    match shared.owner.call(move |model, _turn| model.admit(&cluster, &instance)).await {
        Ok(Ok(instance)) => {
            let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let tracker = shared.sessions.clone();
            let talk = Talk { shared, instance, target };
            let upgrade = upgrade.max_message_size(LARGEST_MESSAGE);
            upgrade.on_upgrade(move |socket| tracker.track_future(talk.run(socket)))
        }
        // TCS has fewer names for a refusal than ACS (spec 4.3).
        Ok(Err(refusal)) => {
            refuse(&Refusal { exception: "ResourceValidationException".to_owned(), text: refusal.text })
        }
        Err(gone) => refuse(&Refusal { exception: "ServerException".to_owned(), text: gone.to_string() }),
    }
}

struct Talk {
    shared: Arc<Shared>,
    instance: ContainerInstanceArn,
    /// Path and query of the handshake: every frame's signature covers them.
    target: String,
}

impl Talk {
    async fn run(self, mut socket: WebSocket) {
        let mut beat = Wait::named("the next heartbeat").owner("a tcs session").every(self.shared.heartbeat);
        let mut heard = tokio::time::Instant::now();
        loop {
            // Cancel-safe: a frame is only taken out when `recv` is ready; the others are levels.
            let silence = Wait::named("a sign of life").owner("a tcs session");
            let answer = tokio::select! {
                frame = socket.recv() => {
                    heard = tokio::time::Instant::now();
                    match frame {
                        Some(Ok(Frame::Text(text))) => self.hear(&text).await,
                        Some(Ok(Frame::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                            Ok(text) => self.hear(text).await,
                            Err(_) => None,
                        },
                        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => None,
                        Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                    }
                }
                () = beat.tick() => Some(Message::HeartbeatMessage(tcs::HeartbeatMessage { healthy: Some(true) })),
                () = silence.pause_until(heard + SILENCE) => return,
                () = self.shared.stop.cancelled() => return,
            };
            if let Some(answer) = answer {
                let frame = Frame::Text(tcs::encode(&answer).into());
                let taken = Wait::named("a frame to be taken").owner("a tcs session").at_most(WRITE_DEADLINE);
                if !matches!(taken.on(socket.send(frame)).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }

    async fn hear(&self, text: &str) -> Option<Message> {
        let frame = tcs::Frame::split(text);
        if !frame.headers.is_empty() {
            let parts = RequestParts::of_tcs_frame(&self.target, &frame);
            if let Err(error) = self.shared.keys.verify_parts(&parts, frame.body.as_bytes()) {
                tracing::warn!(instance = %self.instance, %error, "telemetry frame dropped");
                return None;
            }
        }
        match tcs::decode(frame.body) {
            Ok(tcs::Decoded::Message(message)) => self.take(message).await,
            Ok(tcs::Decoded::Unknown { type_name }) => {
                tracing::debug!(instance = %self.instance, type_name, "telemetry of unknown type dropped");
                None
            }
            Err(error) => {
                tracing::warn!(instance = %self.instance, %error, "malformed telemetry dropped");
                None
            }
        }
    }

    /// Keeps what was measured; the answer is the acknowledgement.
    async fn take(&self, message: Message) -> Option<Message> {
        let instance = self.instance.clone();
        let text = Some("ACK".to_owned());
        let (ack, kept) = match message {
            Message::PublishMetricsRequest(metrics) => (
                Message::AckPublishMetric(tcs::AckPublishMetric { message: text }),
                self.shared.owner.call(move |model, _turn| keep_metrics(model, &instance, metrics)).await,
            ),
            Message::PublishHealthRequest(health) => (
                Message::AckPublishHealth(tcs::AckPublishHealth { message: text }),
                self.shared.owner.call(move |model, _turn| keep_health(model, &instance, health)).await,
            ),
            Message::PublishInstanceStatusRequest(status) => (
                Message::AckPublishInstanceStatus(tcs::AckPublishInstanceStatus { message: text }),
                self.shared.owner.call(move |model, _turn| keep_status(model, instance, status)).await,
            ),
            Message::HeartbeatMessage(_)
            | Message::AckPublishMetric(_)
            | Message::AckPublishHealth(_)
            | Message::AckPublishInstanceStatus(_)
            | Message::StopTelemetrySessionMessage(_) => return None,
        };
        kept.is_ok().then_some(ack)
    }
}

/// The running task that an instance may report about.
fn task_of(model: &Model, instance: &ContainerInstanceArn, named: Option<&str>) -> Option<TaskArn> {
    let arn = TaskArn::parse(named?).ok()?;
    let task = model.tasks.get(&arn)?;
    (task.instance == *instance && !task.is_stopped()).then_some(arn)
}

fn keep_metrics(model: &mut Model, instance: &ContainerInstanceArn, metrics: tcs::PublishMetricsRequest) {
    for metric in metrics.task_metrics {
        if let Some(task) = task_of(model, instance, metric.task_arn.as_deref()) {
            model.live.metrics.insert(task, metric);
        }
    }
}

fn keep_health(model: &mut Model, instance: &ContainerInstanceArn, health: tcs::PublishHealthRequest) {
    for report in health.tasks {
        let Some(task) = task_of(model, instance, report.task_arn.as_deref()) else { continue };
        let containers = model.live.health.entry(task).or_default();
        for one in report.containers {
            if let Some(name) = one.container_name.clone() {
                containers.insert(name, one);
            }
        }
    }
}

fn keep_status(model: &mut Model, instance: ContainerInstanceArn, status: tcs::PublishInstanceStatusRequest) {
    model.live.instance_status.insert(instance, status.statuses);
}
