//! ACS: the websocket on which the control plane tells this host what to run (spec 3).
//!
//! Owns connecting for ever, the heartbeat, and the rules of 3.5 on what is dropped. Refuses to understand tasks: what
//! it lets through goes to the owner, what the owner answers goes back.
//!
//! ```text
//!            discover, sign, upgrade            frames
//!   pause ----------------------------> open <---------> owner
//!     ^                                  |
//!     '--------- how it ended -----------'
//! ```
//!
//! Back-pressure: both channels are bounded by their makers. While the owner does not take a message, nothing more is
//! read, TCP slows the peer down, and after [`Timings::io_deadline`] the session is given up. While no session is
//! open, outbound frames are taken and dropped, so the owner never waits for a connection.

mod conversation;
pub mod validate;

use crate::api::{self, ApiClient};
use crate::endpoint::{AgentIdentity, acs_url};
use crate::jitter::Jitter;
use crate::outbox::Outbox;
use crate::plane::ControlPlane;
use crate::session::{Ending, Reconnect, Timings};
use crate::socket::{self, Bytestream, Reader, Writer, chain};
use conversation::Conversation;
use std::fmt;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_protocol::acs::Message;
use wharf_wait::{Wait, room};

/// What the ACS loop needs to know.
#[derive(Debug, Clone)]
pub struct AcsConfig<P = ApiClient> {
    /// The control plane that is asked for the endpoint and connected to.
    pub api: P,
    /// Who connects.
    pub identity: AgentIdentity,
    /// A fixed ACS endpoint instead of the discovered one.
    pub endpoint: Option<String>,
    /// Every timer.
    pub timings: Timings,
    /// Spread for the timers.
    pub jitter: Jitter,
}

/// Numbers the sessions of this process, from 1. An answer carries the number of the session its question came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acs-{}", self.0)
    }
}

/// What the owner hears.
#[derive(Debug, Clone, PartialEq)]
pub enum AcsInbound {
    /// A session is open.
    Connected {
        /// Its number.
        session: SessionId,
    },
    /// The session is over; frames for it are dropped from now on.
    Disconnected {
        /// Its number.
        session: SessionId,
        /// How it ended.
        ending: Ending,
    },
    /// A message that passed the rules of spec 3.5.
    Message {
        /// The session it came on.
        session: SessionId,
        /// The message.
        message: Box<Message>,
    },
    /// A heartbeat; it is answered already, and asks for a run of the instance's health checks.
    Heartbeat,
    /// The control plane says that this container instance is inactive; the next attempt is an hour away.
    Inactive {
        /// The control plane's words.
        reason: String,
    },
}

/// A frame from the owner.
#[derive(Debug, Clone, PartialEq)]
pub struct AcsOutbound {
    /// The session it is meant for; `None`: whichever is open. Without that session the frame is dropped.
    pub session: Option<SessionId>,
    /// The message.
    pub message: Message,
}

/// Talks to ACS until `cancel` fires or the owner drops `inbound`'s receiver.
pub async fn run_acs<P: ControlPlane>(
    config: AcsConfig<P>,
    inbound: mpsc::Sender<AcsInbound>,
    outbound: mpsc::Receiver<AcsOutbound>,
    cancel: CancellationToken,
) {
    let reconnect = Reconnect::new(&config.timings);
    let owner = Owner { inbound, outbound: Outbox::new(outbound), cancel };
    Acs { config, owner, reconnect, opened: 0 }.run().await;
}

struct Acs<P> {
    config: AcsConfig<P>,
    owner: Owner,
    reconnect: Reconnect,
    opened: u64,
}

impl<P: ControlPlane> Acs<P> {
    async fn run(mut self) {
        while let Ok(wait) = self.attempt().await {
            if self
                .owner
                .meanwhile(Wait::named("before the next session").owner("acs").pause(wait))
                .await
                .is_err()
            {
                break;
            }
        }
    }

    /// One attempt from discovery to the end of the session; gives the wait before the next.
    async fn attempt(&mut self) -> Result<Duration, Over> {
        let send_credentials = self.opened == 0;
        let (ending, lasted) = match self.owner.meanwhile(open(&self.config, send_credentials)).await? {
            Ok((writer, reader)) => {
                let opened = Instant::now();
                (self.serve(writer, reader).await?, Some(opened.elapsed()))
            }
            Err(ending) => (ending, None),
        };
        if ending.doubts_the_endpoint() {
            self.config.api.distrust_endpoints();
        }
        let wait = self.reconnect.plan("acs", &ending, lasted, &mut self.config.jitter);
        if let Ending::Inactive(reason) = ending {
            self.owner.tell(AcsInbound::Inactive { reason }).await?;
        }
        Ok(wait)
    }

    /// The session itself; it tells the owner that it is open.
    async fn serve<S: Bytestream>(&mut self, writer: Writer<S>, reader: Reader<S>) -> Result<Ending, Over> {
        self.opened += 1;
        let session = SessionId(self.opened);
        tracing::info!(%session, "acs is connected");
        let conversation = Conversation {
            session,
            timings: self.config.timings,
            owner: &mut self.owner,
            jitter: self.config.jitter.fork(),
        };
        let ending = conversation.run(writer, reader).await;
        self.owner.tell(AcsInbound::Disconnected { session, ending: ending.clone() }).await?;
        Ok(ending)
    }
}

/// The owner's ends of the loop.
struct Owner {
    inbound: mpsc::Sender<AcsInbound>,
    outbound: Outbox<AcsOutbound>,
    cancel: CancellationToken,
}

/// The loop has to end: it was cancelled, or nobody listens any more.
struct Over;

impl Owner {
    /// Tells the owner what must not be lost, however long that takes; only a cancelled loop tells nothing more.
    async fn tell(&mut self, event: AcsInbound) -> Result<(), Over> {
        let inbound = self.inbound.clone();
        let taken = Wait::endless("the agent to take word of a session", "it must not be lost");
        let sent = self.meanwhile(async move { taken.of(room(&inbound, event)).await });
        sent.await?.map_err(|_| Over)
    }

    /// Runs `work` while no session is open: outbound frames are taken and dropped meanwhile.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Over> {
        tokio::pin!(work);
        loop {
            // Cancel-safe: `work` is pinned outside of the loop and polled on, `next` loses no frame, the others have
            // no state. Frames come last: each is one that the owner has room for, and `work` ends within its own deadlines.
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Over),
                () = self.inbound.closed() => return Err(Over),
                done = &mut work => return Ok(done),
                frame = self.outbound.next() => {
                    tracing::debug!(kind = frame.message.type_name(), "dropped: no acs session is open");
                }
            }
        }
    }
}

/// Discovers the endpoint and opens the websocket.
async fn open<P: ControlPlane>(
    config: &AcsConfig<P>,
    send_credentials: bool,
) -> Result<(Writer<P::Stream>, Reader<P::Stream>), Ending> {
    let AcsConfig { api: plane, identity, endpoint, .. } = config;
    let place = api::locate(plane, identity, endpoint.as_ref(), |found| found.acs).await?;
    let url = acs_url(&place.url, identity, send_credentials);
    let url = url.map_err(|error| Ending::Failed(chain(&error)))?;
    socket::open(plane, &url, place.deadline(&config.timings)).await
}
