//! A control plane that a test holds in its hand: it sends exactly the frames the test wants, and keeps all it receives.
//!
//! Owns one HTTP server on loopback that speaks the agent's side of the ECS API, ACS and TCS. Refuses to decide anything:
//! what Wharf's own control plane does is tested with Wharf's own control plane.

mod answer;
mod journal;

pub use answer::Answer;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_protocol::acs;
use wharf_protocol::api::{self, Operation};
use wharf_protocol::tcs;

/// Region, account and names that the scripted control plane uses.
pub const CLUSTER_ARN: &str = "arn:aws:ecs:us-west-2:123456789012:cluster/e2e";
/// ARN that every agent gets.
pub const INSTANCE_ARN: &str =
    "arn:aws:ecs:us-west-2:123456789012:container-instance/e2e/00000000000000000000000000000001";

/// Something the agent sent.
#[derive(Debug, Clone)]
pub enum Received {
    /// `RegisterContainerInstance`.
    Registered(Box<api::RegisterContainerInstanceRequest>),
    /// `SubmitTaskStateChange`, answered with success.
    Submitted(Box<api::SubmitTaskStateChangeRequest>),
    /// A call that was answered with an error as the test wanted.
    TurnedAway,
    /// An upgrade of a websocket that was answered with something else.
    UpgradeRefused,
    /// The agent opened ACS with this query.
    AcsConnected(String),
    /// A frame on ACS.
    Acs(Box<acs::Message>),
    /// A frame on TCS.
    Tcs(Box<tcs::Message>),
}

/// The scripted control plane.
#[derive(Debug)]
pub struct Scripted {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
    serving: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    // A lock, not a message: handlers of many connections append, tests read whole slices at any time, nothing awaits inside.
    journal: Mutex<Vec<(Instant, Received)>>,
    length: watch::Sender<usize>,
    frames: broadcast::Sender<String>,
    /// Messages that were delivered and not acknowledged, by id. A lock for the same reason.
    unacknowledged: Mutex<Vec<(String, String)>>,
    /// Status to answer Submit calls with; 200 is normal.
    submit_status: AtomicU16,
    /// What calls and upgrades are answered with in place of what is right; locks as above.
    calls: Mutex<Option<Answer>>,
    upgrades: Mutex<Option<Answer>>,
    stop: CancellationToken,
    /// Where agents are told to connect.
    advertised: Mutex<SocketAddr>,
}

impl Scripted {
    /// Starts it on a free port of loopback.
    pub async fn start() -> Result<Self> {
        Self::start_at("127.0.0.1:0".parse().expect("a literal address")).await
    }

    /// Starts it at `address`, where an earlier one may have been.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind(address).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            journal: Mutex::new(Vec::new()),
            length: watch::channel(0).0,
            frames: broadcast::channel(64).0,
            unacknowledged: Mutex::default(),
            submit_status: AtomicU16::new(200),
            calls: Mutex::new(None),
            upgrades: Mutex::new(None),
            stop: stop.clone(),
            advertised: Mutex::new(address),
        });
        let router = Router::new()
            .route("/", post(call))
            .route("/acs/ws", get(acs_session))
            .route("/tcs/ws", get(tcs_session))
            .with_state(Arc::clone(&shared));
        let serving = TaskTracker::new();
        let ended = stop.clone();
        serving.spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(ended.cancelled_owned()).await
        });
        serving.close();
        Ok(Self { shared, address, stop, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops serving and closes every session.
    pub async fn stop(self) {
        self.stop.cancel();
        drop(tokio::time::timeout(Duration::from_secs(5), self.serving.wait()).await);
    }

    /// Answers Submit calls with this HTTP status from now on.
    pub fn answer_submits_with(&self, status: u16) {
        self.shared.submit_status.store(status, Ordering::SeqCst);
    }

    /// Answers every call of the API in this way from now on; `None`: as is right.
    pub fn answer_calls_with(&self, answer: Option<Answer>) {
        *self.shared.calls.lock().expect("no holder panics") = answer;
    }

    /// The same for the upgrades to ACS and TCS.
    pub fn answer_upgrades_with(&self, answer: Option<Answer>) {
        *self.shared.upgrades.lock().expect("no holder panics") = answer;
    }

    /// Tells agents from now on that both websockets are at `address`, e.g. behind a proxy.
    pub fn advertise(&self, address: SocketAddr) {
        *self.shared.advertised.lock().expect("no holder panics") = address;
    }

    /// Sends a message on the agent's ACS session; returns the instant just before.
    pub fn send(&self, message: impl Into<acs::Message>) -> Instant {
        self.send_raw(acs::encode(&message.into()))
    }

    /// Delivers a message with its id as a control plane does: again on each new session until the agent acknowledges it.
    pub fn deliver(&self, (id, message): (String, impl Into<acs::Message>)) {
        let text = acs::encode(&message.into());
        self.shared.unacknowledged.lock().expect("no holder panics").push((id, text.clone()));
        self.send_raw(text);
    }

    /// The texts of what was delivered and not acknowledged yet.
    pub fn unacknowledged(&self) -> Vec<String> {
        let waiting = self.shared.unacknowledged.lock().expect("no holder panics");
        waiting.iter().map(|(_, text)| text.clone()).collect()
    }

    /// Sends any text on the agent's ACS session.
    pub fn send_raw(&self, text: String) -> Instant {
        let now = Instant::now();
        drop(self.shared.frames.send(text));
        now
    }
}

impl Shared {
    /// Forgets a delivered message once the agent has it.
    fn acknowledge(&self, message: &acs::Message) {
        let id = match message {
            acs::Message::AckRequest(ack) => &ack.message_id,
            acs::Message::IAMRoleCredentialsAckRequest(ack) => &ack.message_id,
            _ => return,
        };
        let mut waiting = self.unacknowledged.lock().expect("no holder panics");
        waiting.retain(|(waits, _)| Some(waits) != id.as_ref());
    }

    fn keep(&self, received: Received) {
        let mut journal = self.journal.lock().expect("no holder panics");
        journal.push((Instant::now(), received));
        self.length.send_replace(journal.len());
    }

    fn refuses_upgrades(&self) -> Option<Response> {
        let answer = self.upgrades.lock().expect("no holder panics").clone()?;
        self.keep(Received::UpgradeRefused);
        Some(answer.into_response())
    }
}

/// One call of the ECS API.
async fn call(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if let Some(wrong) = shared.calls.lock().expect("no holder panics").clone() {
        shared.keep(Received::TurnedAway);
        return wrong.into_response();
    }
    match api::operation_of_target(target) {
        Some(api::RegisterContainerInstance::NAME) => {
            let request: api::RegisterContainerInstanceRequest =
                api::decode(&body).expect("the agent sends valid JSON");
            let answer = registration(&request);
            shared.keep(Received::Registered(Box::new(request)));
            json(&answer)
        }
        Some(api::DiscoverPollEndpoint::NAME) => {
            let address = *shared.advertised.lock().expect("no holder panics");
            json(&api::DiscoverPollEndpointResponse {
                endpoint: Some(format!("http://{address}/acs/")),
                telemetry_endpoint: Some(format!("http://{address}/tcs/")),
                ..Default::default()
            })
        }
        Some(api::SubmitTaskStateChange::NAME) => {
            let status = shared.submit_status.load(Ordering::SeqCst);
            if status != 200 {
                shared.keep(Received::TurnedAway);
                let status = StatusCode::from_u16(status).expect("tests give valid statuses");
                return (status, r#"{"__type":"ServerException","message":"scripted"}"#).into_response();
            }
            shared
                .keep(Received::Submitted(Box::new(api::decode(&body).expect("the agent sends valid JSON"))));
            json(&api::SubmitTaskStateChangeResponse { acknowledgment: Some("ok".to_owned()) })
        }
        other => {
            (StatusCode::BAD_REQUEST, format!(r#"{{"__type":"ClientException","message":"{other:?}"}}"#))
                .into_response()
        }
    }
}

fn json(shape: &impl serde::Serialize) -> Response {
    ([("content-type", api::CONTENT_TYPE)], api::encode(shape)).into_response()
}

/// The answer of spec 2.3: every attribute is echoed.
fn registration(request: &api::RegisterContainerInstanceRequest) -> api::RegisterContainerInstanceResponse {
    api::RegisterContainerInstanceResponse {
        container_instance: Some(api::ContainerInstance {
            container_instance_arn: Some(INSTANCE_ARN.to_owned()),
            status: Some("ACTIVE".to_owned()),
            attributes: request.attributes.clone(),
            ..Default::default()
        }),
    }
}

async fn acs_session(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(refusal) = shared.refuses_upgrades() {
        return refusal;
    }
    upgrade.on_upgrade(move |socket| async move {
        let frames = shared.frames.subscribe();
        shared.keep(Received::AcsConnected(query.unwrap_or_default()));
        converse(&shared, socket, frames).await;
    })
}

/// Carries scripted frames out and the agent's frames in until either side ends.
async fn converse(shared: &Shared, mut socket: WebSocket, mut frames: broadcast::Receiver<String>) {
    let again = shared.unacknowledged.lock().expect("no holder panics").clone();
    for (_, text) in again {
        if socket.send(Frame::Text(text.into())).await.is_err() {
            return;
        }
    }
    loop {
        // All three are cancel-safe: a token, a broadcast receiver, and a frame-wise stream.
        tokio::select! {
            () = shared.stop.cancelled() => return,
            frame = frames.recv() => {
                let Ok(text) = frame else { return };
                if socket.send(Frame::Text(text.into())).await.is_err() { return }
            }
            incoming = socket.recv() => match incoming {
                Some(Ok(Frame::Text(text))) => match acs::decode(&text) {
                    Ok(acs::Decoded::Message(message)) => {
                        shared.acknowledge(&message);
                        shared.keep(Received::Acs(Box::new(message)));
                    }
                    other => panic!("the agent sent a frame that is not of ACS: {other:?}"),
                },
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}

async fn tcs_session(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    if let Some(refusal) = shared.refuses_upgrades() {
        return refusal;
    }
    upgrade.on_upgrade(move |mut socket| async move {
        // Both are cancel-safe: a token and a frame-wise stream.
        while let Some(Ok(frame)) = tokio::select! {
            () = shared.stop.cancelled() => None,
            frame = socket.recv() => frame,
        } {
            let Frame::Text(text) = frame else { continue };
            let Ok(tcs::Decoded::Message(message)) = tcs::decode(&text) else {
                panic!("not a frame of TCS: {text}")
            };
            let ack: Option<tcs::Message> = match &message {
                tcs::Message::PublishMetricsRequest(_) => Some(tcs::AckPublishMetric::default().into()),
                tcs::Message::PublishHealthRequest(_) => Some(tcs::AckPublishHealth::default().into()),
                tcs::Message::PublishInstanceStatusRequest(_) => {
                    Some(tcs::AckPublishInstanceStatus::default().into())
                }
                _ => None,
            };
            shared.keep(Received::Tcs(Box::new(message)));
            if let Some(ack) = ack
                && socket.send(Frame::Text(tcs::encode(&ack).into())).await.is_err()
            {
                return;
            }
        }
    })
}
