//! The conversation on ACS: messages to events, replies to frames.
//!
//! Owns which message waits for which acknowledgement, and hands credentials to their store. Refuses decisions about tasks:
//! those are the node's. Source: spec 3.5.

use crate::acs::{self, Policy, Refusal, RoleCredentials};
use crate::endpoints::credentials::CredentialStore;
use crate::failpoint::failpoint;
use crate::healing::Healing;
use crate::owner::{Input, tell};
use crate::seam::Clock;
use crate::view::View;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use wharf_core::effect::Reply;
use wharf_core::event::Event;
use wharf_link::acs::{AcsInbound, AcsOutbound};
use wharf_protocol::acs::{IAMRoleCredentialsMessage, Message, PayloadMessage};
use wharf_wait::{Wait, message, room};

/// Messages whose acknowledgement is remembered. The control plane sends again what was never acknowledged, so the oldest may go.
const REMEMBERED: usize = 256;

/// Both ends of the conversation.
pub struct Conversation<C> {
    /// What lapses is told by it.
    pub clock: C,
    /// Messages from the session.
    pub inbound: mpsc::Receiver<AcsInbound>,
    /// Frames to the session.
    pub outbound: mpsc::Sender<AcsOutbound>,
    /// Events to the node.
    pub inbox: mpsc::Sender<Input>,
    /// What the node wants said.
    pub replies: mpsc::Receiver<Reply>,
    /// What this host offers.
    pub policy: Policy,
    /// Where credentials are kept.
    pub credentials: CredentialStore,
    /// Which tasks are known.
    pub view: watch::Receiver<Arc<View>>,
    /// Asks for a run of the instance's health checks.
    pub heartbeat: Arc<Notify>,
    /// Says whether the control plane still knows this host: telemetry pauses while it does not.
    pub active: watch::Sender<bool>,
    /// Hears of every session that opens.
    pub healing: Healing,
}

impl<C: Clock> Conversation<C> {
    /// Carries messages and replies until `cancel`, or until the session's loop has ended.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut waiting = Waiting::default();
        loop {
            let heard = Wait::endless(
                "messages of the control plane",
                "it speaks when it wants to; heartbeats watch over it",
            );
            let asked = Wait::endless("replies of the node", "it replies when it was asked");
            // All arms are cancel-safe: a token and two channel receivers. Replies first: each answers a message that was heard
            // before, so they run dry and leave room for the next.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                reply = asked.of(message(&mut self.replies)) => match reply {
                    Some(reply) => self.say(reply, &mut waiting).await,
                    None => return,
                },
                message = heard.of(message(&mut self.inbound)) => match message {
                    Some(message) => self.hear(message, &mut waiting).await,
                    None => return,
                },
            }
        }
    }

    async fn hear(&mut self, inbound: AcsInbound, waiting: &mut Waiting) {
        match inbound {
            AcsInbound::Message { message, .. } => self.message(*message, waiting).await,
            AcsInbound::Heartbeat => self.heartbeat.notify_one(),
            AcsInbound::Connected { .. } => {
                self.healing.answered();
                self.active.send_replace(true);
            }
            AcsInbound::Disconnected { .. } => {}
            AcsInbound::Inactive { reason } => {
                tracing::error!(reason, "the control plane says that this container instance is inactive");
                self.active.send_replace(false);
            }
        }
    }

    async fn message(&mut self, message: Message, waiting: &mut Waiting) {
        failpoint!("message.heard");
        let event = match message {
            Message::PayloadMessage(payload) => return self.payload(&payload, waiting).await,
            Message::IAMRoleCredentialsMessage(message) => return self.renewal(&message).await,
            Message::AttachTaskNetworkInterfacesMessage(attach) => {
                waiting.remember(
                    &attach.message_id,
                    Asker::new(&attach.cluster_arn, &attach.container_instance_arn),
                );
                acs::interface_assigned(&attach, self.clock.now())
            }
            Message::TaskManifestMessage(manifest) => {
                waiting.remember(
                    &manifest.message_id,
                    Asker::new(&manifest.cluster_arn, &manifest.container_instance_arn),
                );
                acs::manifest_received(&manifest)
            }
            Message::TaskStopVerificationAck(ack) => acs::stops_verified(&ack),
            other => {
                return tracing::warn!(
                    kind = other.type_name(),
                    "this message is not handled by this version"
                );
            }
        };
        match event {
            Ok(event) => self.tell(event).await,
            Err(refusal) => log_refusal(&refusal),
        }
    }

    /// Credentials are stored before the task is known, so that a container never asks too early.
    async fn payload(&mut self, payload: &PayloadMessage, waiting: &mut Waiting) {
        let converted = acs::convert(payload, &self.policy, &mut || uuid::Uuid::new_v4().to_string());
        converted.nameless.iter().for_each(log_refusal);
        let Some(message_id) = payload.message_id.clone() else { return };
        for role in &converted.credentials {
            self.credentials.put(&role.id, role.credentials.clone());
        }
        failpoint!("credentials.stored");
        if converted.refused() == 0 {
            let asker = Asker::new(&payload.cluster_arn, &payload.container_instance_arn);
            waiting.remember(&payload.message_id, Asker { credentials: converted.credentials, ..asker });
        }
        self.tell(Event::PayloadReceived { message_id, sequence: payload.seq_num, goals: converted.goals })
            .await;
    }

    /// New credentials for a known task are acknowledged; for an unknown one they are an error and are not (spec 3.5).
    async fn renewal(&mut self, message: &IAMRoleCredentialsMessage) {
        let renewed = match acs::role_credentials(message) {
            Ok(renewed) => renewed,
            Err(refusal) => return log_refusal(&refusal),
        };
        let task = &renewed.credentials.task;
        // A payload that is still on its way to the node has left its credentials already.
        let known =
            self.credentials.get(&renewed.id).is_some() || self.view.borrow().tasks.contains_key(task);
        if !known {
            return tracing::warn!(%task, "credentials came for an unknown task");
        }
        self.credentials.put(&renewed.id, renewed.credentials.clone());
        failpoint!("credentials.before-ack");
        self.send(acs::credentials_ack(message.message_id.as_deref().unwrap_or_default(), &renewed)).await;
    }

    async fn say(&mut self, reply: Reply, waiting: &mut Waiting) {
        let message_id = match &reply {
            Reply::Ack { message_id } | Reply::VerifyStops { message_id, .. } => message_id.clone(),
        };
        let asker = match &reply {
            Reply::Ack { .. } => waiting.take(&message_id),
            Reply::VerifyStops { .. } => Some(waiting.last.clone()),
        };
        // A payload with a task that nobody can name is not acknowledged, whatever became of its other tasks.
        let Some(asker) = asker else { return };
        failpoint!("ack.before-queue");
        self.send(acs::reply_message(reply, &asker.cluster, &asker.container_instance)).await;
        for role in &asker.credentials {
            self.send(acs::credentials_ack(&message_id, role)).await;
        }
    }

    async fn tell(&self, event: Event) {
        // Where nobody takes it, the agent is stopping: an unacknowledged message is sent again.
        tell(&self.inbox, Input::Event(event)).await;
    }

    async fn send(&self, message: Message) {
        // Any open session will do: message ids say what is meant. A closed channel: the agent is stopping.
        let taken =
            Wait::endless("a reply to be taken", "with no session open, replies are taken and dropped");
        drop(taken.of(room(&self.outbound, AcsOutbound { session: None, message })).await);
    }
}

fn log_refusal(refusal: &Refusal) {
    tracing::warn!(%refusal, "a message of the control plane cannot be understood");
}

/// Who sent a message, and what its acknowledgement has to carry.
#[derive(Debug, Clone, Default)]
struct Asker {
    cluster: String,
    container_instance: String,
    credentials: Vec<RoleCredentials>,
}

impl Asker {
    fn new(cluster: &Option<String>, container_instance: &Option<String>) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self { cluster: text(cluster), container_instance: text(container_instance), credentials: Vec::new() }
    }
}

/// Messages that the node has not answered yet.
#[derive(Debug, Default)]
struct Waiting {
    by_message: BTreeMap<String, Asker>,
    order: VecDeque<String>,
    /// Sender of the last message, for what answers none in particular.
    last: Asker,
}

impl Waiting {
    fn remember(&mut self, message_id: &Option<String>, asker: Asker) {
        let Some(id) = message_id.clone() else { return };
        self.last = Asker { credentials: Vec::new(), ..asker.clone() };
        if self.by_message.insert(id.clone(), asker).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.by_message.remove(&oldest));
        }
    }

    fn take(&mut self, message_id: &str) -> Option<Asker> {
        self.order.retain(|id| id != message_id);
        self.by_message.remove(message_id)
    }
}
