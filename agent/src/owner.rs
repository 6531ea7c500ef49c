//! The owner loop: the one task that holds the node.
//!
//! ```text
//! inbox ──batch──▶ Node::step ──▶ save ──▶ replies ──▶ effects ──(each ends as one event)──▶ inbox
//! ```
//! Owns the node, the order of a turn (save, then acknowledge, then act) and the published view. Refuses to decide: the node decides;
//! refuses to act: effects run beside the loop.
//!
//! A failed save stops the loop where it stands: nothing is acknowledged and nothing begun before the state is on disk, the
//! inbox fills, and the sources wait. What runs, runs on.

use crate::causes::chain;
use crate::effects::Effects;
use crate::failpoint::failpoint;
use crate::notes;
use crate::seam::{Outside, Store as _};
use crate::systemd::Watchdog;
use crate::timekeeper::Timekeeper;
use crate::view::{HostView, TaskView, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wharf_core::effect::Reply;
use wharf_core::event::Event;
use wharf_core::node::{Node, Turn};
use wharf_core::note::Note;
use wharf_core::record::Change;
use wharf_core::task::Task;
use wharf_protocol::arn::TaskArn;
use wharf_wait::{Wait, messages, room};

/// Most inputs that one turn takes: a bound on how much one save holds.
const MAX_BATCH: usize = 256;
/// Room of the inbox. When it is full, effects and conversations wait to hand over their event; nothing is dropped.
pub const INBOX: usize = 1024;
/// Wait between two tries of a failed save.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// What the loop takes in.
#[derive(Debug)]
pub enum Input {
    /// Something happened to the node.
    Event(Event),
    /// The host has another name or place, for the view alone.
    Host(HostView),
}

/// Hands an input to the node's owner, once there is room for it.
///
/// A closed inbox takes nothing: the agent is stopping, and the next one finds out by looking.
pub async fn tell(inbox: &mpsc::Sender<Input>, input: Input) {
    let room_for_it =
        Wait::endless("room in the inbox", "nothing may be dropped; the watchdog watches over the owner");
    drop(room_for_it.of(room(inbox, input)).await);
}

/// The node with everything that a turn needs.
pub struct Owner<O: Outside> {
    /// The machine.
    pub node: Node,
    /// Where changes are saved.
    pub store: Arc<O::Store>,
    /// What the node is told the time by.
    pub time: Timekeeper<O::Clock>,
    /// Where inputs come from.
    pub inbox: mpsc::Receiver<Input>,
    /// Who acts.
    pub effects: Effects<O>,
    /// Where acknowledgements go.
    pub replies: mpsc::Sender<Reply>,
    /// Where readers look.
    pub view: watch::Sender<Arc<View>>,
    /// What they were shown last.
    pub shown: Shown,
    /// Who watches that this loop goes on.
    pub watchdog: Watchdog,
}

/// The tasks as they were last shown, each with what it was made of.
#[derive(Debug, Default)]
pub struct Shown(BTreeMap<TaskArn, (Arc<Task>, Arc<TaskView>)>);

impl<O: Outside> Owner<O> {
    /// Runs until `cancel`, or until every sender of the inbox is gone. Nothing is saved "on shutdown": stopping is a crash
    /// that was announced.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            let wake = self.until_wakeup();
            let idle = Wait::endless(
                "the inbox",
                "there is nothing to do until something happens; deadlines wake the owner",
            );
            // All arms are cancel-safe: a token, `recv_many` (takes nothing when dropped), a timer that is made anew and a ticker.
            // In this order none is starved: the ticker is ready now and then, and each turn looks at the clock, so that inputs
            // which never end cannot hold up what is due.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = self.watchdog.due() => {
                    self.watchdog.alive();
                    continue;
                }
                taken = idle.of(messages(&mut self.inbox, &mut batch, MAX_BATCH)) => if taken == 0 { return },
                () = wake => batch.push(Input::Event(Event::Woken)),
            }
            if !self.turn(std::mem::take(&mut batch), &cancel).await {
                return;
            }
        }
    }

    /// One turn; false when it was cancelled before it could be saved.
    async fn turn(&mut self, batch: Vec<Input>, cancel: &CancellationToken) -> bool {
        let mut events = Vec::with_capacity(batch.len());
        for input in batch {
            match input {
                Input::Event(event) => events.push(event),
                Input::Host(host) => self.publish(Some(host)),
            }
        }
        failpoint!("owner.taken");
        let (set, now) = self.time.read();
        let events = set.into_iter().chain(events).collect();
        let Turn { changes, replies, effects, notes } = self.node.step(events, now);
        notes.iter().for_each(notes::log);
        let forgotten = notes.into_iter().filter_map(|note| match note {
            Note::TaskForgotten { task } => Some(task),
            _ => None,
        });
        let forgotten: Vec<_> = forgotten.collect();
        failpoint!("owner.before-save");
        if !changes.is_empty() && !self.save(changes, cancel).await {
            return false;
        }
        failpoint!("owner.saved");
        self.publish(None);
        for reply in replies {
            // A full or closed queue means that nobody reads replies now; the control plane sends the message again.
            if self.replies.try_send(reply).is_err() {
                tracing::warn!("an acknowledgement was dropped: the conversation does not take it");
            }
        }
        failpoint!("owner.replied");
        effects.into_iter().for_each(|effect| self.effects.spawn(effect));
        failpoint!("owner.begun");
        forgotten.into_iter().for_each(|task| self.effects.forget(task));
        true
    }

    /// Saves, however long it takes; false when cancelled. A loop that waits for its disk is alive, and says so to the watchdog.
    async fn save(&mut self, changes: Vec<Change>, cancel: &CancellationToken) -> bool {
        let store = Arc::clone(&self.store);
        let changes: Vec<_> = changes.into_iter().map(Into::into).collect();
        let save = async move {
            let mut tries: u32 = 0;
            while let Err(error) = store.save(changes.clone()).await {
                tries = tries.saturating_add(1);
                // Ever more rarely: a full disk may stay full for a day, and the log may lie on it.
                if tries.is_power_of_two() {
                    tracing::error!(
                        error = chain(&error),
                        tries,
                        "cannot save; nothing new is begun until it succeeds"
                    );
                }
                Wait::named("before the next try to save").owner("owner loop").pause(SAVE_AGAIN).await;
            }
            if tries > 0 {
                tracing::info!(tries, "saving works again");
            }
        };
        tokio::pin!(save);
        loop {
            // Cancel-safe: `save` is pinned outside of the loop and polled on; a token and a ticker have no state to lose, and leave
            // room for it.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return false,
                () = self.watchdog.due() => self.watchdog.alive(),
                () = &mut save => return true,
            }
        }
    }

    /// Shows readers the node as it is now; what did not change is shared with the last view.
    fn publish(&mut self, host: Option<HostView>) {
        let before = std::mem::take(&mut self.shown.0);
        let show = |(arn, task): (&TaskArn, &Arc<Task>)| {
            let same =
                before.get(arn).filter(|(old, _)| Arc::ptr_eq(old, task)).map(|(_, view)| Arc::clone(view));
            let view = same.unwrap_or_else(|| Arc::new(TaskView::from(task.as_ref())));
            (arn.clone(), (Arc::clone(task), view))
        };
        self.shown.0 = self.node.tasks().iter().map(show).collect();
        let tasks = self.shown.0.iter().map(|(arn, (_, view))| (arn.clone(), Arc::clone(view))).collect();
        let host = host.map_or_else(|| Arc::clone(&self.view.borrow().host), Arc::new);
        self.view.send_replace(Arc::new(View { host, tasks }));
    }

    /// Ends when the node wants to be woken; never, when it does not.
    fn until_wakeup(&self) -> impl Future<Output = ()> + use<O> {
        let wait = self.node.next_wakeup().map(|at| self.time.until(at));
        async move {
            match wait {
                Some(wait) => {
                    Wait::named("the next deadline of a task").owner("owner loop").pause(wait).await
                }
                None => std::future::pending().await,
            }
        }
    }
}
