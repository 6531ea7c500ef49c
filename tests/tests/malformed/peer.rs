//! A control plane that sends damaged frames: each is followed by a ping, and counts as taken when the pong is there.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wharf_link::api::{ApiClient, ApiConfig, CallLimits};
use wharf_link::credentials::CredentialsSource;
use wharf_link::endpoint::AgentIdentity;
use wharf_link::session::Timings;
use wharf_tests::scripted::{CLUSTER_ARN, INSTANCE_ARN};
use wharf_tests::world::{ACCESS_KEY, REGION, SECRET_KEY};

/// Longest wait for a session, which is no matter of the input.
const SESSION: Duration = Duration::from_secs(10);

/// Longest time until a frame was read.
const READ: Duration = Duration::from_secs(5);

/// The peer of one loop; it holds the session that is open.
pub struct Peer {
    url: String,
    opened: mpsc::Receiver<WebSocket>,
    socket: Option<WebSocket>,
    server: JoinHandle<()>,
}

impl Peer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, opened) = mpsc::channel(1);
        let router = Router::new().route("/ws", get(upgrade)).with_state(sender);
        // A frame and its ping leave at once, and not when the kernel has heard of the one before.
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, opened, socket: None, server }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Sends one frame and waits until it was read; a session that ends over it is replaced by the next.
    pub async fn say(&mut self, input: &[u8]) {
        if self.socket.is_none() {
            let opened = timeout(SESSION, self.opened.recv()).await.expect("the agent connects again");
            self.socket = opened;
        }
        let socket = self.socket.as_mut().expect("set above");
        let frame = match std::str::from_utf8(input) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(input.to_vec()),
        };
        let taken = timeout(READ, exchange(socket, frame)).await;
        if !taken.expect("the agent reads on, or ends the session") {
            self.socket = None;
        }
    }

    pub async fn stop(self) {
        self.server.abort();
        assert!(self.server.await.unwrap_err().is_cancelled(), "the peer itself did not fail");
    }
}

async fn upgrade(State(opened): State<mpsc::Sender<WebSocket>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| drop(opened.send(socket).await))
}

/// False when the session ended.
async fn exchange(socket: &mut WebSocket, frame: Message) -> bool {
    let said = async {
        socket.send(frame).await.ok()?;
        socket.send(Message::Ping(b"read?".as_slice().into())).await.ok()
    };
    if said.await.is_none() {
        return false;
    }
    loop {
        match socket.recv().await {
            Some(Ok(Message::Pong(said))) if said.as_ref() == b"read?" => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
}

/// A client whose calls end within a second.
pub fn api(endpoint: String) -> ApiClient {
    // Nothing here speaks TLS, but the client asks for a provider of it; an earlier interface may have set it.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let second = Duration::from_secs(1);
    ApiClient::new(ApiConfig {
        endpoint,
        region: REGION.to_owned(),
        credentials: vec![CredentialsSource::fixed(ACCESS_KEY, SECRET_KEY, None)],
        user_agent: "malformed".to_owned(),
        verify_tls: true,
        limits: CallLimits { connect: second, whole: second, attempts: 1, ..CallLimits::default() },
    })
    .unwrap()
}

pub fn identity() -> AgentIdentity {
    AgentIdentity {
        cluster: CLUSTER_ARN.to_owned(),
        container_instance_arn: INSTANCE_ARN.to_owned(),
        agent_version: "0".to_owned(),
        agent_hash: String::new(),
    }
}

/// Timers of a session that comes back at once.
pub fn impatient(timings: Timings) -> Timings {
    let mut timings = timings;
    timings.backoff.first = Duration::from_millis(1);
    timings.backoff.longest = Duration::from_millis(1);
    timings.inactive = Duration::from_millis(1);
    timings
}
