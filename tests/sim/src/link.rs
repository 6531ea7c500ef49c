//! The way to the simulated control plane: calls answered from memory, and the real websocket over a stream in memory.

use crate::history::Who;
use crate::message::INSTANCE;
use crate::mistake::Mistake;
use crate::world::{Happening, World};
use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use wharf_agent::seam::ControlPlane;
use wharf_link::api::{CallError, Endpoints};
use wharf_link::session::Ending;
use wharf_link::submit::SubmitOutcome;
use wharf_protocol::api::{
    ApiError, ContainerInstance, CreateClusterResponse, RegisterContainerInstanceRequest,
    RegisterContainerInstanceResponse, SubmitTaskStateChangeRequest,
};

/// How long a call waits for its answer (spec 2.1).
const PATIENCE: Duration = Duration::from_secs(42);
/// Longest frame of an agent that cuts them.
const MOST: usize = 128;
/// Room in a connection: little, so that it pushes back.
const BUFFER: usize = 16 * 1024;

/// A way to the simulated control plane.
#[derive(Debug, Clone)]
pub struct SimPlane {
    world: World,
}

impl SimPlane {
    pub fn new(world: World) -> Self {
        Self { world }
    }

    /// The way there.
    async fn call(&self, operation: &'static str) -> Result<(), CallError> {
        self.world.step("before", operation, "").await;
        self.world.takes(operation, 1, 150).await;
        let hole = async {
            while self.world.lock().weather.black_hole > 0 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let heard = tokio::time::timeout(PATIENCE, hole).await.is_ok();
        let refused = self.world.lock().weather.refused > 0;
        self.world.step("at", operation, "").await;
        if heard && !refused { Ok(()) } else { Err(unreachable(operation)) }
    }

    /// The way back.
    async fn answered(&self, operation: &'static str) -> Result<(), CallError> {
        self.world.takes(operation, 1, 50).await;
        let lost = self.world.lock().weather.answers_lost > 0;
        self.world.step("after", operation, "").await;
        if lost { Err(unreachable(operation)) } else { Ok(()) }
    }

    async fn submit(&self, request: &SubmitTaskStateChangeRequest) -> Result<(), CallError> {
        const NAME: &str = "SubmitTaskStateChange";
        self.call(NAME).await?;
        self.world.change(|state| state.takes(request));
        self.answered(NAME).await
    }
}

/// What a call that got no answer looks like from above: to be tried again.
fn unreachable(operation: &'static str) -> CallError {
    let error = ApiError { code: "ServerException".to_owned(), message: String::new(), status: 503 };
    CallError::Refused { operation, error, retry_after: None }
}

impl ControlPlane for SimPlane {
    type Stream = DuplexStream;

    async fn register_container_instance(
        &self,
        request: &RegisterContainerInstanceRequest,
    ) -> Result<RegisterContainerInstanceResponse, CallError> {
        const NAME: &str = "RegisterContainerInstance";
        self.call(NAME).await?;
        self.world.change(|state| state.say(Who::Plane, format_args!("the host registers")));
        self.answered(NAME).await?;
        let instance = ContainerInstance {
            container_instance_arn: Some(INSTANCE.to_owned()),
            attributes: request.attributes.clone(),
            ..ContainerInstance::default()
        };
        Ok(RegisterContainerInstanceResponse { container_instance: Some(instance) })
    }

    async fn create_cluster(&self, _name: &str) -> Result<CreateClusterResponse, CallError> {
        self.call("CreateCluster").await?;
        Ok(CreateClusterResponse::default())
    }

    async fn discover_poll_endpoint(&self, _arn: &str, _cluster: &str) -> Result<Endpoints, CallError> {
        self.call("DiscoverPollEndpoint").await?;
        Ok(Endpoints { acs: Some("http://plane.example".to_owned()), tcs: None, fresh: true })
    }

    fn distrust_endpoints(&self) {}

    async fn upgrade(&self, _url: &Url) -> Result<DuplexStream, Ending> {
        self.call("connect").await.map_err(|error| Ending::Failed(error.to_string()))?;
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let (frames, outgoing) = mpsc::unbounded_channel();
        let session = self.world.change(|state| {
            let session = state.plane.open(frames);
            state.say(Who::Plane, format_args!("session {session} opens"));
            state.plan(50, Happening::SendAgain { every: false });
            session
        });
        tokio::spawn(serve(self.world.clone(), session, ours, outgoing));
        self.answered("connect").await.map_err(|error| Ending::Failed(error.to_string()))?;
        Ok(theirs)
    }

    async fn submit_task_state_change(&self, request: &SubmitTaskStateChangeRequest) -> SubmitOutcome {
        let mistake = self.world.lock().mistake;
        if mistake == Some(Mistake::ReportsOvertake) {
            let (plane, request) = (self.clone(), request.clone());
            tokio::spawn(async move {
                plane.world.takes("background", 1, 3_000).await;
                while plane.submit(&request).await.is_err() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
            return SubmitOutcome::Accepted;
        }
        if mistake == Some(Mistake::ToldOnce) && self.world.lock().life.has_told(request) {
            return SubmitOutcome::Accepted;
        }
        match self.submit(request).await {
            Err(error) if mistake != Some(Mistake::ReportOnce) => SubmitOutcome::Failed(error),
            Ok(()) | Err(_) => SubmitOutcome::Accepted,
        }
    }
}

/// What comes of something that an agent with a mistake says.
fn misspoken(mistake: Option<Mistake>, text: &str) -> String {
    match mistake {
        Some(Mistake::FramesCut) => text.chars().take(MOST).collect(),
        Some(Mistake::SessionAcknowledged) => text.replace("\"messageId\":\"m", "\"messageId\":\"session-"),
        Some(_) | None => text.to_owned(),
    }
}

/// The control plane's end of a session, until either side ends it.
async fn serve(
    world: World,
    session: u64,
    stream: DuplexStream,
    mut outgoing: mpsc::UnboundedReceiver<String>,
) {
    let (mut writer, mut reader) = WebSocketStream::from_raw_socket(stream, Role::Server, None).await.split();
    loop {
        // Both arms are cancel-safe: a channel, and a reader that keeps half a frame. The outgoing ones run dry.
        tokio::select! {
            biased;
            frame = outgoing.recv() => match frame {
                Some(text) => if writer.send(Message::text(text)).await.is_err() { break },
                None => return,
            },
            frame = reader.next() => match frame {
                Some(Ok(Message::Text(text))) => world.change(|state| {
                    let text = misspoken(state.mistake, &text);
                    state.hears(session, &text);
                }),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    world.change(|state| {
        state.say(Who::Plane, format_args!("session {session} is over"));
        if state.plane.session.as_ref().is_some_and(|open| open.number == session) {
            state.plane.session = None;
        }
    });
}
