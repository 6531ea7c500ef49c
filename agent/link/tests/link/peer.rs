//! A control plane in miniature: answers API calls from a script, hands opened websockets to the test, and refuses
//! whatever is not signed right.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{Request, StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wharf_link::api::{ApiClient, ApiConfig, CallLimits};
use wharf_link::backoff::BackoffPolicy;
use wharf_link::credentials::CredentialsSource;
use wharf_link::endpoint::AgentIdentity;
use wharf_protocol::Secret;
use wharf_protocol::api::operation_of_target;
use wharf_protocol::sigv4::{RequestParts, body_hash, verify};

/// How long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const INSTANCE: &str = "arn:aws:ecs:eu-west-1:111122223333:container-instance/c1/9f8e";
pub const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/c1";
const KEY_ID: &str = "AKIDEXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub struct Peer {
    pub address: SocketAddr,
    script: Arc<Script>,
    opened: mpsc::Receiver<Opened>,
    server: JoinHandle<()>,
}

struct Script {
    calls: Mutex<Vec<(String, Value)>>,
    answers: Mutex<HashMap<String, VecDeque<(u16, Value)>>>,
    refusals: Mutex<VecDeque<(u16, String)>>,
    opened: mpsc::Sender<Opened>,
}

/// A websocket that an agent opened.
pub struct Opened {
    /// The query as it stood in the URL.
    pub query: String,
    pub path_and_query: String,
    pub socket: WebSocket,
}

impl Peer {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        // Every test may be the first; a provider that is installed already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (sender, opened) = mpsc::channel(8);
        let script = Arc::new(Script {
            calls: Mutex::default(),
            answers: Mutex::default(),
            refusals: Mutex::default(),
            opened: sender,
        });
        let router =
            Router::new().route("/", post(call)).route("/ws", get(upgrade)).with_state(script.clone());
        let server =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("the peer serves") });
        let peer = Self { address, script, opened, server };
        peer.answer_always_with_own_endpoints();
        peer
    }

    fn answer_always_with_own_endpoints(&self) {
        for _ in 0..16 {
            let url = self.url();
            self.answer("DiscoverPollEndpoint", 200, json!({"endpoint": url, "telemetryEndpoint": url}));
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of this peer with the right keys and short waits.
    pub fn api(&self) -> ApiClient {
        self.api_with(limits())
    }

    pub fn api_with(&self, limits: CallLimits) -> ApiClient {
        ApiClient::new(ApiConfig {
            endpoint: self.url(),
            region: "eu-west-1".to_owned(),
            credentials: vec![keys(KEY)],
            user_agent: "wharf-link tests".to_owned(),
            verify_tls: true,
            limits,
        })
        .expect("a client")
    }

    /// Queues an answer; when an operation's queue is empty, the answer is `{}`.
    pub fn answer(&self, operation: &str, status: u16, body: Value) {
        let mut answers = held(&self.script.answers);
        answers.entry(operation.to_owned()).or_default().push_back((status, body));
    }

    /// Forgets the queued answers of an operation.
    pub fn forget(&self, operation: &str) {
        held(&self.script.answers).remove(operation);
    }

    /// Refuses the next websocket.
    pub fn refuse_next(&self, status: u16, body: &str) {
        held(&self.script.refusals).push_back((status, body.to_owned()));
    }

    /// The bodies received for an operation, in order.
    pub fn calls(&self, operation: &str) -> Vec<Value> {
        let calls = held(&self.script.calls);
        calls.iter().filter(|(name, _)| name == operation).map(|(_, body)| body.clone()).collect()
    }

    /// The next websocket that is opened.
    pub async fn accept(&mut self) -> Opened {
        within("a websocket", self.opened.recv()).await.expect("the peer runs")
    }

    /// True when no websocket was opened that was not accepted yet.
    pub fn nobody_came(&mut self) -> bool {
        self.opened.try_recv().is_err()
    }

    /// Stops listening; connections that a test holds stay until it drops them.
    pub async fn stop(mut self) -> SocketAddr {
        self.server.abort();
        let _ = (&mut self.server).await;
        self.address
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Opened {
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.query)).expect("a query");
        url.query_pairs().into_owned().collect()
    }

    pub async fn say(&mut self, envelope: Value) {
        self.say_raw(Message::text(envelope.to_string())).await;
    }

    pub async fn say_raw(&mut self, message: Message) {
        within("the agent to take a frame", self.socket.send(message)).await.expect("an open socket");
    }

    /// The next text frame.
    pub async fn hear_text(&mut self) -> String {
        loop {
            match within("a frame", self.socket.recv()).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a text frame, got {other:?}"),
            }
        }
    }

    pub async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.hear_text().await).expect("JSON")
    }

    /// The close frame with which the agent ends the session, skipping what it said before.
    pub async fn hear_close(&mut self) -> (u16, String) {
        loop {
            match within("a close frame", self.socket.recv()).await {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code, frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }
}

pub fn limits() -> CallLimits {
    let backoff = BackoffPolicy::new(Duration::from_millis(1), Duration::from_millis(4), 2.0);
    CallLimits { backoff, ..CallLimits::default() }
}

pub fn keys(secret: &str) -> CredentialsSource {
    CredentialsSource::fixed(KEY_ID, secret, Some("a+token/of=theirs".to_owned()))
}

pub fn identity() -> AgentIdentity {
    AgentIdentity {
        cluster: "c1".to_owned(),
        container_instance_arn: INSTANCE.to_owned(),
        agent_version: "0.1.0".to_owned(),
        agent_hash: "*abc123".to_owned(),
    }
}

/// Waits for what has to happen.
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Who signed these parts, or why that is not known.
pub fn check_signature(parts: &RequestParts<'_>, body: &[u8]) -> Result<(), String> {
    let secret = |id: &str| (id == KEY_ID).then(|| Secret::new(KEY));
    let minutes = Duration::from_secs(300);
    let verified = verify(parts, &body_hash(body), secret, SystemTime::now(), minutes);
    match verified {
        Ok(verified) if verified.region == "eu-west-1" && verified.payload_signed => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}

async fn call(State(script): State<Arc<Script>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(operation_of_target).unwrap_or("none").to_owned();
    held(&script.calls).push((operation.clone(), serde_json::from_slice(&body).unwrap_or_default()));
    if let Err(refusal) = signed(&parts, &body) {
        return refusal;
    }
    let queued = held(&script.answers).get_mut(&operation).and_then(VecDeque::pop_front);
    let (status, body) = queued.unwrap_or((200, json!({})));
    (StatusCode::from_u16(status).expect("a status"), body.to_string()).into_response()
}

async fn upgrade(
    State(script): State<Arc<Script>>,
    socket: WebSocketUpgrade,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refusal) = signed(&parts, &Bytes::new()) {
        return refusal;
    }
    if let Some((status, body)) = held(&script.refusals).pop_front() {
        return (StatusCode::from_u16(status).expect("a status"), body).into_response();
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let path_and_query = format!("{}?{query}", parts.uri.path());
    let opened = script.opened.clone();
    socket.on_upgrade(move |socket| async move {
        // A test that does not care drops its end; the socket closes then.
        let _ = opened.send(Opened { query, path_and_query, socket }).await;
    })
}

#[expect(clippy::result_large_err, reason = "the error is the answer, built once per refused request")]
fn signed(parts: &Parts, body: &Bytes) -> Result<(), Response> {
    check_signature(&RequestParts::from(parts), body).map_err(|error| {
        let body = json!({"__type": "InvalidSignatureException", "message": error}).to_string();
        (StatusCode::FORBIDDEN, body).into_response()
    })
}
