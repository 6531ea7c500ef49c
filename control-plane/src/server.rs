//! The server: store, owner loop, and one HTTP listener for the API, ACS and TCS.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use wharf_control_plane::{auth::AccessKey, server::{Config, start}};
//! let mut config = Config::new("/var/lib/wharf-control-plane");
//! config.subnets.push("subnet-1=10.99.0.0/24".parse()?);
//! config.access_keys.push(AccessKey { id: "AKIDEXAMPLE".into(), secret: wharf_protocol::Secret::new("secret") });
//! let running = start(config).await?;
//! println!("listening on {}", running.addr);
//! running.shutdown().await?;
//! # Ok(()) }
//! ```

use crate::auth::{AccessKey, Keys};
use crate::journal::{Journal, JournalEntry};
use crate::model::address::{Subnet, SubnetError};
use crate::model::{Model, Policy};
use crate::owner::{self, Owner};
use crate::store::{OpenError, SaveError, Store};
use crate::{acs, api, tcs};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_protocol::api::DiscoverPollEndpointResponse;
use wharf_wait::{Job, Wait, all, outcome, spawn};

/// Largest body of an API request.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// How long connections may take to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Why the end of a server has no deadline.
const LAST_SAVE: &str =
    "requests have a deadline by then, and after one for the save nobody could tell whether it is saved";

/// How to run a control plane.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Directory of the database.
    pub data: PathBuf,
    /// Subnets for tasks of network mode awsvpc.
    pub subnets: Vec<Subnet>,
    /// Keys that callers and agents sign with.
    pub access_keys: Vec<AccessKey>,
    /// Base URL that agents are told to connect to; without one it is the host they called.
    pub advertise: Option<String>,
    /// Time between heartbeats on ACS and TCS.
    pub heartbeat: Duration,
    /// Names and patience.
    pub policy: Policy,
}

impl Config {
    /// A control plane on any free port of the loopback, in `us-east-1` and account `000000000000`, with its database in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: data.into(),
            subnets: Vec::new(),
            access_keys: Vec::new(),
            advertise: None,
            heartbeat: Duration::from_secs(30),
            policy: Policy::new("us-east-1", "000000000000"),
        }
    }
}

/// Why a control plane does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("cannot use the store")]
    Store(#[from] OpenError),
    /// The subnets contradict each other.
    #[error("cannot use the subnets")]
    Subnets(#[from] SubnetError),
    /// The address is taken, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
}

/// Why a control plane that ran does not any more.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The store failed: what was answered is safe, nothing more can be.
    #[error("cannot save any more")]
    Save(#[from] SaveError),
    /// The listener failed.
    #[error("cannot serve any more")]
    Serve(#[source] std::io::Error),
    /// A task of the server panicked.
    #[error("a task of the server ended unexpectedly")]
    Task(#[from] tokio::task::JoinError),
}

/// What every handler shares.
#[derive(Debug)]
pub struct Shared {
    pub(crate) owner: Owner,
    pub(crate) keys: Keys,
    pub(crate) journal: Journal,
    pub(crate) heartbeat: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) sessions: TaskTracker,
    advertise: Option<String>,
}

impl Shared {
    /// Where agents find ACS and TCS: by the path, on the host they called (spec 2.4).
    pub(crate) fn endpoints(&self, headers: &HeaderMap) -> DiscoverPollEndpointResponse {
        let called = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let base = self.advertise.clone().unwrap_or_else(|| format!("http://{called}"));
        let base = base.trim_end_matches('/');
        DiscoverPollEndpointResponse {
            endpoint: Some(format!("{base}/acs/")),
            telemetry_endpoint: Some(format!("{base}/tcs/")),
            ..DiscoverPollEndpointResponse::default()
        }
    }
}

/// A control plane at work.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    job: Job<Result<(), StopError>>,
}

/// Opens the store, takes up what was there, and serves.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let (store, rows) = Store::open(&config.data)?;
    let keys = Keys::new(config.access_keys, &config.policy.region);
    let model = Model::new(config.policy, config.subnets, rows)?;
    let address = config.listen;
    let listen = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let addr = listener.local_addr().map_err(listen)?;
    let (owner, inbox) = Owner::new();
    let shared = Arc::new(Shared {
        owner,
        keys,
        journal: Journal::default(),
        heartbeat: config.heartbeat,
        stop: CancellationToken::new(),
        sessions: TaskTracker::new(),
        advertise: config.advertise,
    });
    let job = spawn(serve(listener, model, store, inbox, Arc::clone(&shared)));
    Ok(Running { addr, shared, job })
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", post(api::handle))
        .route("/acs/ws", get(acs::session::handle))
        .route("/tcs/ws", get(tcs::handle))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

/// Runs the owner loop and the listener until either fails or the server is told to stop.
async fn serve(
    listener: TcpListener,
    model: Model,
    store: Store,
    inbox: owner::Inbox,
    shared: Arc<Shared>,
) -> Result<(), StopError> {
    // The loop outlives the connections: they still report that they ended.
    let owner_stop = CancellationToken::new();
    let owner = spawn(owner::run(model, store, inbox, shared.journal.clone(), owner_stop.clone()));
    let ended = shared.stop.clone();
    let mut guard = owner_watch(owner, shared.stop.clone());
    // Nagle would hold a payload back for the agent's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "cannot switch Nagle's algorithm off");
        }
    });
    let served = axum::serve(listener, router(Arc::clone(&shared)))
        .with_graceful_shutdown(async move { ended.cancelled().await });
    let farewell = async {
        Wait::endless("the word to stop", "a server is to last").on(shared.stop.cancelled()).await;
        Wait::named("requests under way").owner("the stopping server").pause(FAREWELL).await;
    };
    // Cancel-safe: whichever ends first ends the listener for good; the other is dropped with it.
    let served = tokio::select! {
        served = served => served.map_err(StopError::Serve),
        () = farewell => Ok(()),
    };
    shared.stop.cancel();
    shared.sessions.close();
    let sessions = Wait::named("sessions to end").owner("the stopping server").at_most(FAREWELL);
    if sessions.of(all(&shared.sessions)).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    owner_stop.cancel();
    Wait::endless("the owner loop to end", LAST_SAVE).of(outcome(&mut guard)).await??;
    served
}

/// Waits for the owner; when it fails, everything else is told to stop.
fn owner_watch(mut owner: Job<Result<(), SaveError>>, stop: CancellationToken) -> Job<Result<(), StopError>> {
    spawn(async move {
        let ended = Wait::endless("the owner loop", "it is to last").of(outcome(&mut owner)).await?;
        if let Err(error) = &ended {
            tracing::error!(error = error as &dyn std::error::Error, "the store failed; stopping");
        }
        stop.cancel();
        Ok(ended?)
    })
}

impl Running {
    /// The base URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Listens to what goes out to agents and comes in from them, from now on.
    pub fn journal(&self) -> broadcast::Receiver<JournalEntry> {
        self.shared.journal.listen()
    }

    /// Holds tasks back (interfaces are still attached) until released: everything that waits then leaves in one payload per agent.
    pub async fn hold_payloads(&self, held: bool) -> Result<(), owner::Gone> {
        self.shared.owner.call(move |model, _turn| model.hold_payloads(held)).await
    }

    /// The last metrics of each task that an agent published.
    pub async fn metrics(
        &self,
    ) -> Result<std::collections::BTreeMap<String, wharf_protocol::tcs::TaskMetric>, owner::Gone> {
        let all = self.shared.owner.call(|model, _turn| model.live.metrics.clone()).await?;
        Ok(all.into_iter().map(|(arn, metric)| (arn.to_string(), metric)).collect())
    }

    /// Ends when the control plane does, which it does by itself only when it fails.
    pub async fn ended(&mut self) -> Result<(), StopError> {
        Wait::endless("the server", "it is to last").of(outcome(&mut self.job)).await?
    }

    /// Stops: connections are closed, the store is closed. Nothing is saved here that was not saved before.
    pub async fn shutdown(mut self) -> Result<(), StopError> {
        self.shared.stop.cancel();
        Wait::endless("the server to stop", LAST_SAVE).of(outcome(&mut self.job)).await?
    }
}
