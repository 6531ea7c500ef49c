//! One open ACS session: a reader and a writer that run side by side until either ends it (spec 3.3 to 3.6).
//!
//! The writer is the only one who writes. The reader's own answers (heartbeat acks) reach it through a small queue;
//! when that is full, the reader waits, so a peer that does not read is not read from either.

use super::validate;
use super::{AcsInbound, AcsOutbound, Owner, SessionId};
use crate::failpoint::failpoint;
use crate::jitter::Jitter;
use crate::outbox::Outbox;
use crate::session::{Ending, Session, Timings};
use crate::socket::{self, Bytestream, Reader, Writer};
use std::convert::Infallible;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Bytes;
use wharf_protocol::acs::{self, Decoded, HeartbeatAckRequest, HeartbeatMessage, Message};
use wharf_wait::{Wait, room};

/// Heartbeat acks that wait for the writer.
const ACKS: usize = 16;

/// Everything one session uses.
pub(super) struct Conversation<'a> {
    pub(super) session: SessionId,
    pub(super) timings: Timings,
    pub(super) owner: &'a mut Owner,
    pub(super) jitter: Jitter,
}

impl Conversation<'_> {
    /// Runs the session to its end and says goodbye.
    pub(super) async fn run<S: Bytestream>(self, mut writer: Writer<S>, reader: Reader<S>) -> Ending {
        let Self { session, timings, owner: Owner { inbound, outbound, cancel }, mut jitter } = self;
        let (acks, waiting_acks) = mpsc::channel(ACKS);
        let timers = Session::open(Instant::now(), &timings, &mut jitter);
        let hearing = Hearing { session, timings, inbound, acks, jitter, timers };
        let speaking = Speaking { session, timings, outbound, acks: Outbox::new(waiting_acks) };
        // Cancel-safe in the only sense that matters here: whichever arm ends, the session is over and the rest of
        // the others' work with it. In order, the shortest first: no arm is ready twice, so none is starved.
        let ending = tokio::select! {
            biased;
            () = cancel.cancelled() => Ending::Stopped,
            () = inbound.closed() => Ending::Failed("the agent does not listen any more".to_owned()),
            ending = speaking.run(&mut writer) => ending,
            ending = hearing.run(reader) => ending,
        };
        socket::say_goodbye(&mut writer, &ending).await;
        ending
    }
}

/// The reading half.
struct Hearing<'a> {
    session: SessionId,
    timings: Timings,
    inbound: &'a mpsc::Sender<AcsInbound>,
    acks: mpsc::Sender<Message>,
    jitter: Jitter,
    timers: Session,
}

impl Hearing<'_> {
    async fn run<S: Bytestream>(mut self, mut reader: Reader<S>) -> Ending {
        match self.listen(&mut reader).await {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    async fn listen<S: Bytestream>(&mut self, reader: &mut Reader<S>) -> Result<Infallible, Ending> {
        self.pass_on(AcsInbound::Connected { session: self.session }).await?;
        loop {
            let frame = socket::next_in_time(reader, &mut self.timers, self.timings.io_deadline).await?;
            self.hear(&frame).await?;
        }
    }

    /// Takes one frame. What cannot be decoded does not count as a sign of life (spec 3.3).
    async fn hear(&mut self, frame: &Bytes) -> Result<(), Ending> {
        let session = self.session;
        let Some(message) = decode(session, frame) else { return Ok(()) };
        tracing::trace!(%session, kind = message.type_name(), "heard");
        self.act(message).await?;
        // After the owner took it: the time it needed is not the peer's silence.
        self.timers.heard(Instant::now(), &mut self.jitter);
        self.timers.noticed(Instant::now());
        Ok(())
    }

    async fn act(&mut self, message: Message) -> Result<(), Ending> {
        let session = self.session;
        if let Err(flaw) = validate::check(&message) {
            tracing::warn!(%session, kind = message.type_name(), %flaw, "dropped an acs message");
            return Ok(());
        }
        match message {
            Message::HeartbeatMessage(heartbeat) => self.answer(heartbeat).await,
            Message::CloseMessage(_) | Message::ErrorMessage(_) => {
                tracing::warn!(%session, ?message, "the control plane announces trouble");
                Ok(())
            }
            Message::AckRequest(_)
            | Message::NackRequest(_)
            | Message::HeartbeatAckRequest(_)
            | Message::IAMRoleCredentialsAckRequest(_)
            | Message::TaskStopVerificationMessage(_) => {
                tracing::warn!(%session, kind = message.type_name(), "dropped a message that only agents send");
                Ok(())
            }
            Message::PayloadMessage(_)
            | Message::IAMRoleCredentialsMessage(_)
            | Message::TaskManifestMessage(_)
            | Message::TaskStopVerificationAck(_)
            | Message::AttachTaskNetworkInterfacesMessage(_)
            | Message::AttachInstanceNetworkInterfacesMessage(_)
            | Message::ConfirmAttachmentMessage(_)
            | Message::StageUpdateMessage(_)
            | Message::PerformUpdateMessage(_) => {
                self.pass_on(AcsInbound::Message { session, message: Box::new(message) }).await
            }
        }
    }

    async fn answer(&mut self, heartbeat: HeartbeatMessage) -> Result<(), Ending> {
        let ack = HeartbeatAckRequest { message_id: heartbeat.message_id };
        // The writer lives as long as this reader; it is never gone while we wait.
        let wait = Wait::named("room for a heartbeat ack").owner("acs").at_most(self.timings.io_deadline);
        let queued = wait.of(room(&self.acks, ack.into())).await;
        if !matches!(queued, Ok(Ok(()))) {
            return Err(Ending::Failed("heartbeat acks are not taken".to_owned()));
        }
        self.pass_on(AcsInbound::Heartbeat).await
    }

    async fn pass_on(&mut self, event: AcsInbound) -> Result<(), Ending> {
        let deadline = self.timings.io_deadline;
        let taken = Wait::named("the agent to take a message").owner("acs").at_most(deadline);
        match taken.of(room(self.inbound, event)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::Failed("the agent does not listen any more".to_owned())),
            Err(_) => {
                tracing::error!(session = %self.session, ?deadline, "the agent does not take acs messages");
                Err(Ending::Failed(format!("the agent did not take a message for {deadline:?}")))
            }
        }
    }
}

fn decode(session: SessionId, frame: &Bytes) -> Option<Message> {
    let Ok(text) = std::str::from_utf8(frame) else {
        tracing::warn!(%session, bytes = frame.len(), "dropped an acs frame that is not text");
        return None;
    };
    match acs::decode(text) {
        Ok(Decoded::Message(message)) => Some(message),
        Ok(Decoded::Unknown { type_name }) => {
            tracing::warn!(%session, kind = type_name, "dropped an acs message of an unknown type");
            None
        }
        Err(error) => {
            tracing::warn!(%session, error = socket::chain(&error), "dropped an acs frame that cannot be read");
            None
        }
    }
}

/// The writing half.
struct Speaking<'a> {
    session: SessionId,
    timings: Timings,
    outbound: &'a mut Outbox<AcsOutbound>,
    acks: Outbox<Message>,
}

impl Speaking<'_> {
    async fn run<S: Bytestream>(mut self, writer: &mut Writer<S>) -> Ending {
        let mut pings = socket::pings(self.timings.ping);
        loop {
            // Cancel-safe: all wait on a channel or a ticker and take nothing until they yield. Acks first: there are never more of them than
            // heartbeats, so they leave room for frames.
            let message = tokio::select! {
                biased;
                ack = self.acks.next() => ack,
                frame = self.outbound.next() => match frame.session {
                    Some(session) if session != self.session => {
                        tracing::debug!(%session, kind = frame.message.type_name(), "dropped: its session is over");
                        continue;
                    }
                    Some(_) | None => frame.message,
                },
                () = pings.tick() => match socket::ping(writer, self.timings.io_deadline).await {
                    Ok(()) => continue,
                    Err(ending) => return ending,
                },
            };
            tracing::trace!(session = %self.session, kind = message.type_name(), "says");
            failpoint!("ack.before-write");
            let written = socket::write_frame(writer, acs::encode(&message), self.timings.io_deadline).await;
            failpoint!("ack.written" if written.is_ok());
            if let Err(ending) = written {
                return ending;
            }
        }
    }
}
