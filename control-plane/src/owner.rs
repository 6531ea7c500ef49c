//! The one loop that owns the model.
//!
//! Requests arrive as functions over the model. A turn takes all that wait, applies them, plans what agents are owed, **saves, and only
//! then answers and sends**. A save that fails ends the loop: the model would be ahead of what a restart finds.

use crate::journal::{Journal, JournalKind};
use crate::model::Model;
use crate::model::delivery::Delivery;
use crate::model::live::SessionId;
use crate::model::session::Hello;
use crate::model::time::Time;
use crate::model::turn::Turn;
use crate::store::{SaveError, Store};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wharf_protocol::arn::ContainerInstanceArn;
use wharf_protocol::{Refusal, acs};
use wharf_wait::{Wait, answer, messages, room};

/// Requests that may wait; when full, callers wait in turn.
const INBOX: usize = 1024;
/// Most requests in one turn, so that one transaction stays small.
const BATCH: usize = 256;
/// Turns whose messages may wait for one agent. One that lets more pile up is cut off and gets them anew when it is back.
const WIRE: usize = 256;

/// Sends an answer, once what it tells is saved.
type Answer = Box<dyn FnOnce() + Send>;

/// Something to do with the model in a turn.
type Work = Box<dyn FnOnce(&mut Owned, &mut Turn) -> Answer + Send>;

/// The owner is gone: it ended, or its store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the control plane is shutting down")]
pub struct Gone;

/// What the loop owns.
struct Owned {
    model: Model,
    wires: BTreeMap<SessionId, mpsc::Sender<Vec<acs::Message>>>,
    sessions: u64,
}

/// The way to the owner; cheap to clone.
#[derive(Clone)]
pub struct Owner {
    inbox: mpsc::Sender<Work>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Its name.
    pub session: SessionId,
    /// Whose agent it is.
    pub instance: ContainerInstanceArn,
    /// What to send, turn by turn; ends when another connection takes its place.
    pub messages: mpsc::Receiver<Vec<acs::Message>>,
}

impl Owner {
    /// An owner and the work it is to do; see [`run`].
    pub fn new() -> (Self, Inbox) {
        let (inbox, work) = mpsc::channel(INBOX);
        (Self { inbox }, Inbox(work))
    }

    /// Runs `work` in a turn; the answer arrives when everything it did is saved.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Model, &mut Turn) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        self.call_owned(move |owned, turn| work(&mut owned.model, turn)).await
    }

    /// Runs `work` in a turn without waiting for it; waits only for room in the inbox.
    pub async fn tell(&self, work: impl FnOnce(&mut Model, &mut Turn) + Send + 'static) -> Result<(), Gone> {
        let work: Work = Box::new(move |owned, turn| {
            work(&mut owned.model, turn);
            Box::new(|| {})
        });
        self.hand_over(work).await
    }

    async fn hand_over(&self, work: Work) -> Result<(), Gone> {
        let room_for_it =
            Wait::endless("room in the inbox", "nothing may be dropped, and each turn is short");
        room_for_it.of(room(&self.inbox, work)).await.map_err(|_| Gone)
    }

    /// Takes an agent's connection in, in place of an earlier one of the same instance.
    pub async fn connect(&self, hello: Hello) -> Result<Result<Accepted, Refusal>, Gone> {
        self.call_owned(move |owned, turn| owned.connect(&hello, turn)).await
    }

    async fn call_owned<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Owned, &mut Turn) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answered) = answer();
        let work: Work = Box::new(move |owned, turn| {
            let done = work(owned, turn);
            // An error means that the caller went away; what was asked is done all the same.
            Box::new(move || drop(reply.send(done)))
        });
        self.hand_over(work).await?;
        Wait::endless("the answer of the owner", "each turn is short").of(answered).await.map_err(|_| Gone)
    }
}

impl Owned {
    fn connect(&mut self, hello: &Hello, turn: &mut Turn) -> Result<Accepted, Refusal> {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let instance = self.model.connect(session, hello, turn)?;
        let (wire, messages) = mpsc::channel(WIRE);
        self.wires.insert(session, wire);
        Ok(Accepted { session, instance, messages })
    }

    /// Tells the journal which statuses tasks came to.
    fn tell(&mut self, journal: &Journal) {
        let now = Instant::now();
        for (task, status) in std::mem::take(&mut self.model.live.progress) {
            tracing::info!(%task, status = status.as_str(), "task");
            journal.note(now, task.as_str(), JournalKind::Status { status: status.as_str() });
        }
    }

    /// Closes the wires of connections that ended or were replaced.
    fn close_wires(&mut self) {
        for session in std::mem::take(&mut self.model.live.closed) {
            self.wires.remove(&session);
        }
    }

    /// Passes this turn's messages on.
    fn send(&mut self) {
        let mut batches: BTreeMap<SessionId, Vec<acs::Message>> = BTreeMap::new();
        for Delivery { session, message } in std::mem::take(&mut self.model.live.outbox) {
            batches.entry(session).or_default().push(message);
        }
        for (session, messages) in batches {
            let Some(wire) = self.wires.get(&session) else { continue };
            if wire.try_send(messages).is_err() {
                tracing::warn!(
                    session = session.0,
                    "agent does not take its messages; closing its connection"
                );
                self.wires.remove(&session);
            }
        }
    }
}

/// The receiving end of an [`Owner`].
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<Work>);

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owned").finish_non_exhaustive()
    }
}

/// Runs turns until `stop` is cancelled or a save fails.
pub async fn run(
    model: Model,
    store: Store,
    inbox: Inbox,
    journal: Journal,
    stop: CancellationToken,
) -> Result<(), SaveError> {
    let Inbox(mut inbox) = inbox;
    let mut owned = Owned { model, wires: BTreeMap::new(), sessions: 0 };
    let mut turn = Turn::new(Time::from_system_clock(), Box::new(rand::random));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let wait = owned.model.live.agenda.next().map(|at| at.since(Time::from_system_clock()));
        let idle = Wait::endless(
            "the inbox",
            "there is nothing to do until somebody asks; deadlines wake the owner",
        );
        let due = Wait::named("the next deadline of the model").owner("owner loop");
        // Cancel-safe: `recv_many` takes nothing when it is dropped, the other two are levels.
        tokio::select! {
            taken = idle.of(messages(&mut inbox, &mut batch, BATCH)) => if taken == 0 {
                return Ok(()); // nobody is left who could ask
            },
            () = due.pause(wait.unwrap_or(Duration::from_secs(3600))) => {}
            () = stop.cancelled() => return Ok(()),
        }
        turn.now = Time::from_system_clock();
        let answers: Vec<Answer> = batch.drain(..).map(|work| work(&mut owned, &mut turn)).collect();
        owned.model.plan(&mut turn);
        store.save(owned.model.take_changes()).await?;
        owned.close_wires();
        owned.tell(&journal);
        owned.send();
        for answer in answers {
            answer();
        }
    }
}
