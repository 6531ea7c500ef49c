//! Exits and OOM kills as they happen, from containerd's event stream.
//!
//! A stream alone lies by omission: what happens while none is open is lost. So each (re)subscription is announced
//! ([`RuntimeEvent::Resubscribed`]), and whoever hears that lists the containers.
//!
//! containerd answers a subscription only with its first event. To know that it is there, we publish an event of our own
//! until it comes back.

use crate::connect::{Containerd, Shared};
use crate::container::ExitStatus;
use crate::rpc::{self, MAX_MESSAGE, QUICK, RpcError, Scoped};
use containerd_client::events::{NamespaceUpdate, TaskExit, TaskOom};
use containerd_client::services::v1::events_client::EventsClient;
use containerd_client::services::v1::{PublishRequest, SubscribeRequest};
use containerd_client::types::Envelope;
use prost::Message;
use prost_types::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Streaming};
use wharf_wait::{Wait, begin, room};

/// Events that wait for the receiver. When full, the stream waits and containerd keeps them.
const BACKLOG: usize = 1024;
/// Between two looks whether anyone listens: a connection to a socket, so that containerd's return is noticed at once.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Why the wait for an event needs no end.
const QUIET: &str = "hours without an exit are ordinary, and a dead containerd closes the socket";
const NUDGE_EVERY: Duration = Duration::from_millis(50);

const EXIT: &str = "/tasks/exit";
const OOM: &str = "/tasks/oom";
const NUDGE: &str = "/wharf/subscribed";
const SUBSCRIBE: &str = "Events.Subscribe";

/// Something that happened to the containers of our namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeEvent {
    /// The main process of a container has ended.
    Exited {
        /// Id of the container.
        container_id: String,
        /// How and when.
        exit: ExitStatus,
    },
    /// A process of a container was killed for want of memory; the container may live on.
    Oom {
        /// Id of the container.
        container_id: String,
    },
    /// Events flow from now on. Anything may have happened before: list the containers.
    Resubscribed,
    /// Events do not flow; a new subscription is being tried.
    Disconnected,
}

impl Containerd {
    /// Subscribes to events, again and again, until the receiver is dropped or the connection closed.
    pub fn events(&self) -> mpsc::Receiver<RuntimeEvent> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let subscriber = Subscriber {
            shared: Arc::downgrade(&self.shared),
            client: self.shared.events_client().max_decoding_message_size(MAX_MESSAGE),
            namespace: self.shared.config.namespace.clone(),
            sender,
        };
        // Owned by the connection: `close` ends and awaits it.
        begin(&self.shared.tasks, run(subscriber, self.shared.closing.clone()));
        receiver
    }
}

async fn run(subscriber: Subscriber, closing: CancellationToken) {
    let receiver_gone = subscriber.sender.clone();
    tokio::select! {
        // Cancel-safe: neither arm leaves anything behind; an event that was not yet passed on is found by listing.
        () = subscriber.forever() => {}
        () = receiver_gone.closed() => {}
        () = closing.cancelled() => {}
    }
}

/// The receiver does not listen any more.
struct ReceiverGone;

struct Subscriber {
    // Weak: a subscription must not keep a connection alive that everyone else has dropped.
    shared: Weak<Shared>,
    client: EventsClient<Scoped>,
    namespace: String,
    sender: mpsc::Sender<RuntimeEvent>,
}

impl Subscriber {
    async fn forever(mut self) {
        loop {
            let error = match self.subscribe().await {
                Ok((stream, first)) => match self.forward(stream, first).await {
                    Ok(error) => error,
                    Err(ReceiverGone) => return,
                },
                Err(error) => error,
            };
            tracing::warn!(%error, "no events from containerd, subscribing again once it listens");
            if self.send(RuntimeEvent::Disconnected).await.is_err() {
                return;
            }
            self.until_someone_listens().await;
        }
    }

    /// Ends at the first look that finds a listener, or when the connection is dropped.
    async fn until_someone_listens(&self) {
        loop {
            Wait::named("before the next look for a listener")
                .owner("events of containerd")
                .pause(LOOK_EVERY)
                .await;
            let Some(shared) = self.shared.upgrade() else { return };
            if shared.witness().await.is_ok() {
                return;
            }
        }
    }

    /// Returns a stream that is known to flow, and its first event.
    async fn subscribe(&mut self) -> Result<(Streaming<Envelope>, Option<Envelope>), RpcError> {
        let topics = [EXIT, OOM, NUDGE];
        let filters =
            topics.map(|topic| format!("namespace=={:?},topic=={topic:?}", self.namespace)).to_vec();
        let mut subscribing = self.client.clone();
        let first = async {
            let mut stream = subscribing.subscribe(SubscribeRequest { filters }).await?.into_inner();
            let first = stream.message().await?;
            Ok(Response::new((stream, first)))
        };
        tokio::select! {
            // Cancel-safe: whichever ends first ends the attempt; a half-made subscription is dropped with it.
            flowing = rpc::call(SUBSCRIBE, QUICK, first) => flowing,
            error = self.nudge() => Err(error),
        }
    }

    /// Publishes an event of our own over and over; ends only with an error.
    async fn nudge(&self) -> RpcError {
        let update = NamespaceUpdate { name: self.namespace.clone(), ..NamespaceUpdate::default() };
        let event =
            Any { type_url: "containerd.events.NamespaceUpdate".to_owned(), value: update.encode_to_vec() };
        let request = PublishRequest { topic: NUDGE.to_owned(), event: Some(event) };
        let mut client = self.client.clone();
        loop {
            if let Err(error) = rpc::call("Events.Publish", QUICK, client.publish(request.clone())).await {
                return error;
            }
            Wait::named("before the next nudge").owner("events of containerd").pause(NUDGE_EVERY).await;
        }
    }

    /// Passes events on until the stream ends, and says why it did.
    async fn forward(
        &self,
        mut stream: Streaming<Envelope>,
        first: Option<Envelope>,
    ) -> Result<RpcError, ReceiverGone> {
        self.send(RuntimeEvent::Resubscribed).await?;
        let mut next = Ok(first);
        loop {
            match next {
                Ok(Some(envelope)) => {
                    if let Some(event) = decode(&envelope) {
                        self.send(event).await?;
                    }
                }
                Ok(None) => {
                    let (code, message) = (tonic::Code::Unavailable, "the stream ended".to_owned());
                    return Ok(RpcError::Status { rpc: SUBSCRIBE, code, message });
                }
                Err(status) => return Ok(RpcError::new(SUBSCRIBE, &status)),
            }
            next = Wait::endless("the next event", QUIET).on(stream.message()).await;
        }
    }

    async fn send(&self, event: RuntimeEvent) -> Result<(), ReceiverGone> {
        let taken = Wait::endless("somebody to take an event", "containerd keeps the rest meanwhile");
        taken.of(room(&self.sender, event)).await.map_err(|_| ReceiverGone)
    }
}

/// Understands the events that matter: exits of main processes, and OOM kills.
fn decode(envelope: &Envelope) -> Option<RuntimeEvent> {
    let value = envelope.event.as_ref()?.value.as_slice();
    match envelope.topic.as_str() {
        EXIT => {
            let exit = TaskExit::decode(value).ok()?;
            // Probes end too; they bear an id of their own.
            (exit.id == exit.container_id).then(|| RuntimeEvent::Exited {
                container_id: exit.container_id,
                exit: ExitStatus::new(exit.exit_status, exit.exited_at),
            })
        }
        OOM => TaskOom::decode(value).ok().map(|oom| RuntimeEvent::Oom { container_id: oom.container_id }),
        _ => None,
    }
}

/// Decodes bytes as an event of each kind that matters. For tests that feed it what containerd should not send.
#[doc(hidden)]
pub fn try_events(bytes: &[u8]) -> [Option<RuntimeEvent>; 2] {
    [EXIT, OOM].map(|topic| {
        let event = Some(Any { type_url: String::new(), value: bytes.to_vec() });
        decode(&Envelope { topic: topic.to_owned(), event, ..Envelope::default() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(topic: &str, message: &impl Message) -> Envelope {
        let event = Some(Any { type_url: String::new(), value: message.encode_to_vec() });
        Envelope { topic: topic.into(), event, ..Envelope::default() }
    }

    #[test]
    fn only_the_main_process_of_a_container_exits_it() {
        let exit = |id: &str| TaskExit {
            container_id: "c".into(),
            id: id.into(),
            exit_status: 3,
            ..Default::default()
        };
        assert!(matches!(
            decode(&envelope(EXIT, &exit("c"))),
            Some(RuntimeEvent::Exited { container_id, exit }) if container_id == "c" && exit.code == 3
        ));
        assert_eq!(decode(&envelope(EXIT, &exit("probe-1"))), None);
        assert_eq!(decode(&envelope(NUDGE, &exit("c"))), None);
    }
}
