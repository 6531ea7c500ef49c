//! Outages of an hour in virtual time: how soon after them the sessions are open again, and how soon a dead peer is found out.
//!
//! The control plane is one in memory, behind the crate's own seam; the loop, its timers and its websocket are the real ones.

use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use wharf_link::acs::{AcsConfig, AcsInbound, run_acs};
use wharf_link::api::{CallError, Endpoints};
use wharf_link::endpoint::AgentIdentity;
use wharf_link::jitter::Jitter;
use wharf_link::plane::ControlPlane;
use wharf_link::register::{RegisterPolicy, register};
use wharf_link::session::{Ending, Timings};
use wharf_link::submit::SubmitOutcome;
use wharf_protocol::api::{
    ApiError, ContainerInstance, CreateClusterResponse, RegisterContainerInstanceRequest,
    RegisterContainerInstanceResponse, SubmitTaskStateChangeRequest,
};

const HOUR: Duration = Duration::from_secs(3600);
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// What the network does to the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Nothing is answered.
    Swallows,
    /// Connections are taken, and nothing is said on them ever after.
    Silences,
    /// The cluster is missing, and what would make it is answered as little.
    Lacks,
    /// Connects are refused at once.
    Refuses,
    /// A load balancer answers 503.
    Unavailable,
    /// The API asks for fewer calls.
    Throttles,
}

/// A control plane in memory.
#[derive(Debug, Clone)]
struct Plane(Arc<Mutex<Sky>>);

#[derive(Debug)]
struct Sky {
    weather: Weather,
    /// The peer's ends of the sessions.
    opened: mpsc::UnboundedSender<DuplexStream>,
    attempts: u32,
}

impl Plane {
    fn become_(&self, weather: Weather) {
        self.0.lock().unwrap().weather = weather;
    }

    fn attempts(&self) -> u32 {
        self.0.lock().unwrap().attempts
    }

    fn weather(&self) -> Weather {
        self.0.lock().unwrap().weather
    }
}

impl ControlPlane for Plane {
    type Stream = DuplexStream;

    async fn register_container_instance(
        &self,
        _: &RegisterContainerInstanceRequest,
    ) -> Result<RegisterContainerInstanceResponse, CallError> {
        self.0.lock().unwrap().attempts += 1;
        let (code, status) = match self.weather() {
            Weather::Lacks => ("ClusterNotFoundException", 400),
            Weather::Throttles => ("ThrottlingException", 400),
            Weather::Unavailable => ("ServerException", 503),
            Weather::Fair => {
                let arn = Some("arn".to_owned());
                let container_instance =
                    Some(ContainerInstance { container_instance_arn: arn, ..ContainerInstance::default() });
                return Ok(RegisterContainerInstanceResponse { container_instance });
            }
            Weather::Silences => return Err(silence("RegisterContainerInstance").await),
            Weather::Swallows | Weather::Refuses => unreachable!("registration is asked in other weather"),
        };
        let error = ApiError { code: code.to_owned(), message: String::new(), status };
        Err(CallError::Refused { operation: "RegisterContainerInstance", error, retry_after: None })
    }

    async fn create_cluster(&self, _: &str) -> Result<CreateClusterResponse, CallError> {
        self.0.lock().unwrap().attempts += 1;
        match self.weather() {
            Weather::Lacks => Err(silence("CreateCluster").await),
            _ => Ok(CreateClusterResponse::default()),
        }
    }

    /// As the real client: an answer that does not come is replaced by the one that is remembered.
    async fn discover_poll_endpoint(&self, _: &str, _: &str) -> Result<Endpoints, CallError> {
        let fair = self.weather() == Weather::Fair;
        if self.weather() == Weather::Swallows {
            sleep(Duration::from_secs(6)).await;
        }
        if self.weather() == Weather::Throttles {
            self.0.lock().unwrap().attempts += 1;
            let code = "ThrottlingException".to_owned();
            let error = ApiError { code, message: "Rate exceeded".to_owned(), status: 400 };
            return Err(CallError::Refused { operation: "DiscoverPollEndpoint", error, retry_after: None });
        }
        Ok(Endpoints { acs: Some("http://plane/".to_owned()), tcs: None, fresh: fair })
    }

    fn distrust_endpoints(&self) {}

    async fn upgrade(&self, _: &Url) -> Result<DuplexStream, Ending> {
        self.0.lock().unwrap().attempts += 1;
        match self.weather() {
            Weather::Swallows => std::future::pending().await,
            Weather::Refuses => Err(Ending::Unreachable("connection refused".to_owned())),
            Weather::Unavailable => Err(Ending::Troubled { reason: "503".to_owned(), retry_after: None }),
            Weather::Throttles | Weather::Silences | Weather::Lacks => {
                unreachable!("no session is opened in it")
            }
            Weather::Fair => {
                let (near, far) = tokio::io::duplex(64 * 1024);
                self.0.lock().unwrap().opened.send(far).unwrap();
                Ok(near)
            }
        }
    }

    async fn submit_task_state_change(&self, _: &SubmitTaskStateChangeRequest) -> SubmitOutcome {
        unreachable!("the sessions submit nothing")
    }
}

/// A call that is not answered. What the real client says then cannot be made here; to the loop both are no answer of the API.
async fn silence(operation: &'static str) -> CallError {
    sleep(Duration::from_secs(42)).await;
    CallError::TooLarge { operation, limit: 0 }
}

/// The loop against a plane in memory.
struct Lab {
    plane: Plane,
    opened: mpsc::UnboundedReceiver<DuplexStream>,
    inbound: mpsc::Receiver<AcsInbound>,
    cancel: CancellationToken,
    running: JoinHandle<()>,
    _outbound: mpsc::Sender<wharf_link::acs::AcsOutbound>,
}

impl Lab {
    fn start(seed: u64) -> Self {
        let (opened_sender, opened) = mpsc::unbounded_channel();
        let sky = Sky { weather: Weather::Fair, opened: opened_sender, attempts: 0 };
        let plane = Plane(Arc::new(Mutex::new(sky)));
        let identity = AgentIdentity {
            cluster: "c1".to_owned(),
            container_instance_arn: "arn".to_owned(),
            agent_version: "0".to_owned(),
            agent_hash: String::new(),
        };
        let config = AcsConfig {
            api: plane.clone(),
            identity,
            endpoint: None,
            timings: Timings::ACS,
            jitter: Jitter::seeded(seed),
        };
        let (to_agent, inbound) = mpsc::channel(64);
        let (outbound, to_session) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let running = tokio::spawn(run_acs(config, to_agent, to_session, cancel.clone()));
        Self { plane, opened, inbound, cancel, running, _outbound: outbound }
    }

    /// The peer's end of the next session.
    async fn session(&mut self) -> DuplexStream {
        let far = self.opened.recv().await.unwrap();
        loop {
            if let AcsInbound::Connected { .. } = self.inbound.recv().await.unwrap() {
                return far;
            }
        }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.running.await.unwrap();
    }
}

/// How long after an hour of this weather the session is open again; the connection of before is gone with it.
async fn back_after_an_hour_of(weather: Weather, seed: u64) -> Duration {
    let mut lab = Lab::start(seed);
    let far = lab.session().await;
    lab.plane.become_(weather);
    drop(far);
    sleep(HOUR + Duration::from_millis(seed * 137)).await;
    assert!(lab.plane.attempts() > 200, "it never stops trying: {}", lab.plane.attempts());
    lab.plane.become_(Weather::Fair);
    let healed = Instant::now();
    let _far = lab.session().await;
    let took = healed.elapsed();
    lab.stop().await;
    took
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_a_control_plane_the_session_is_open_within_ten_seconds_of_its_return() {
    for weather in [Weather::Swallows, Weather::Refuses, Weather::Unavailable, Weather::Throttles] {
        let mut all = Vec::new();
        for seed in 0..20 {
            all.push(back_after_an_hour_of(weather, seed).await);
        }
        assert!(all.iter().all(|took| *took < TEN_SECONDS), "{weather:?}: {all:?}");
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(distinct.len() > 10, "hosts do not come back at the same moment: {all:?}");
    }
}

/// How long after an hour of this weather an agent that started in it is registered.
async fn registered_after_an_hour_of(weather: Weather, seed: u64) -> Duration {
    let (opened, _) = mpsc::unbounded_channel();
    let plane = Plane(Arc::new(Mutex::new(Sky { weather, opened, attempts: 0 })));
    let asked = plane.clone();
    let registering = tokio::spawn(async move {
        let request = RegisterContainerInstanceRequest::default();
        register(&asked, request, RegisterPolicy::default(), &mut Jitter::seeded(seed)).await
    });
    sleep(HOUR + Duration::from_millis(seed * 137)).await;
    assert!(plane.attempts() > 200, "it never stops trying: {}", plane.attempts());
    plane.become_(Weather::Fair);
    let healed = Instant::now();
    registering.await.unwrap().unwrap();
    healed.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_starts_in_an_hour_of_trouble_is_registered_within_ten_seconds_of_its_end() {
    for weather in [Weather::Unavailable, Weather::Throttles, Weather::Silences, Weather::Lacks] {
        let mut all = Vec::new();
        for seed in 0..20 {
            all.push(registered_after_an_hour_of(weather, seed).await);
        }
        assert!(all.iter().all(|took| *took < TEN_SECONDS), "{weather:?}: {all:?}");
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(distinct.len() > 10, "hosts do not come back at the same moment: {all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answered_pings_and_is_gone_without_a_word_is_found_out_in_half_a_minute() {
    let mut lab = Lab::start(1);
    let far = lab.session().await;
    let mut peer = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    assert!(matches!(peer.next().await, Some(Ok(Frame::Ping(_)))), "the first thing is a question");
    peer.flush().await.unwrap();
    // The pong leaves with the next look at the socket; from here on the peer holds its end and says nothing.
    let _second = tokio::time::timeout(Duration::from_secs(11), peer.next()).await;
    let gone = Instant::now();
    let _next = lab.session().await;
    assert!(gone.elapsed() < Duration::from_secs(30), "{:?}", gone.elapsed());
    lab.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_ignores_pings_keeps_the_timers_of_the_specification() {
    let mut lab = Lab::start(1);
    // It reads nothing, so it answers nothing.
    let _far = lab.session().await;
    let opened = Instant::now();
    let _next = lab.session().await;
    assert!(opened.elapsed() >= Duration::from_secs(60), "{:?}", opened.elapsed());
    lab.stop().await;
}
