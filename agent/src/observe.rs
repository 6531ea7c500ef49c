//! What containerd holds of ours, told to the node: the event stream, and a listing whenever that stream may have had a gap.
//!
//! Owns the translation from container ids and labels to tasks and names. An event alone is never trusted to come: every half
//! minute, and after each gap, the listing says what is true. Nor is an exit trusted that comes: containerd tells, late and with a code
//! that it invents, of processes that it lost or broke off, and they bear the id of the container that was made anew since. So the
//! container is looked at.

mod lister;

pub use lister::{Lister, Listing, tasks_of};

use crate::causes::chain;
use crate::ending;
use crate::failpoint::failpoint;
use crate::foreign::Foreign;
use crate::owner::{self, Input};
use crate::seam::{Outside, Runtime};
use crate::view::View;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_core::event::{ContainerRef, Event, Exit, Observation};
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_runtime::{ObservedState, RuntimeEvent};
use wharf_wait::{Ticker, Wait, end, message};

/// Why the wait for events needs no end.
const QUIET: &str = "a quiet runtime has none, and the listing every half minute does not rely on them";
/// Time between two listings that nothing gave reason for. A listing is cheap: two calls, whatever the number of containers.
const RECONCILE: Duration = Duration::from_secs(30);
/// Time from the listing after a gap to the next one: the node believes "not there" only when it is said twice. Not sooner, because
/// a shim that could not tell containerd of an exit tries again, at last after five seconds.
const CONFIRM: Duration = Duration::from_secs(6);

/// How much later than the runtime the node may date what it asked of it: when it is answered.
const ANSWER: Duration = Duration::from_secs(1);
/// Time from a listing that failed to the next one.
const AGAIN: Duration = Duration::from_secs(1);

/// Carries the runtime's events and listings to the node.
#[derive(Debug)]
pub struct Watch<O: Outside> {
    /// Who lists.
    pub lister: Lister<O::Runtime>,
    /// When the watch began: what the time of unknown containers is measured from.
    pub begun: Instant,
    /// Which tasks are known.
    pub view: watch::Receiver<Arc<View>>,
    /// The node's inbox.
    pub inbox: mpsc::Sender<Input>,
    /// Containers that bear no task.
    pub foreign: Foreign,
}

impl<O: Outside> Watch<O> {
    /// Watches until `cancel`.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut events = self.lister.runtime.events();
        let mut names = Names { view: self.view.clone(), known: BTreeMap::new() };
        let mut tick = Wait::named("the next listing").owner("watch of containerd").after_every(RECONCILE);
        let mut removals = JoinSet::new();
        loop {
            let removed = Wait::endless("the removal of what is not ours", "the runtime bounds it");
            // All arms are cancel-safe: a token, a ticker, a set that keeps what has not ended, and a channel receiver. Ticks and
            // ends of removals are few, so they leave room for the events after them.
            let look = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = tick.tick() => true,
                Some(_) = removed.of(end(&mut removals)) => false,
                event = Wait::endless("events of containerd", QUIET).of(message(&mut events)) => match event {
                    Some(event) => self.hear(event, &mut names, &mut tick).await,
                    None => return,
                },
            };
            if look {
                self.look(&mut removals, &mut tick).await;
            }
        }
    }

    /// Takes one event; says whether a listing is due.
    async fn hear(&self, event: RuntimeEvent, names: &mut Names, tick: &mut Ticker) -> bool {
        match event {
            RuntimeEvent::Exited { container_id, exit } => {
                failpoint!("exit.heard");
                let exit = Exit { code: exit.code, at: Timestamp::from_millis(exit.at_ms) };
                match names.of(&container_id) {
                    Some(container) => self.exited(container, exit, tick).await,
                    None => tracing::debug!(container_id, "a container that is not ours exited"),
                }
                false
            }
            RuntimeEvent::Oom { container_id } => {
                if let Some(container) = names.of(&container_id) {
                    self.tell(Event::OutOfMemory { container }).await;
                }
                false
            }
            RuntimeEvent::Resubscribed => {
                tracing::info!("containerd's events are heard");
                // A tick that is due sooner would be a second look too soon.
                tick.after(CONFIRM);
                true
            }
            RuntimeEvent::Disconnected => {
                tracing::warn!("containerd's events are not heard; a listing follows when they are again");
                self.tell(Event::RuntimeLost).await;
                false
            }
        }
    }

    /// Tells of an exit that is one; else a listing soon looks at the container again.
    async fn exited(&self, container: ContainerRef, heard: Exit, tick: &mut Ticker) {
        let Lister { runtime, places, .. } = &self.lister;
        let shown = match runtime.inspect(&id(&container)).await.map(|seen| seen.map(observation)) {
            Ok(Some(
                seen @ (Observation::Created | Observation::Running { .. } | Observation::Exited(_)),
            )) => seen,
            // It may be the exit of an earlier attempt under the same id: the listing that follows knows.
            Ok(Some(Observation::Vanished) | None)
                if is_of_an_earlier(&self.view.borrow(), &container, heard) =>
            {
                tracing::debug!(container = id(&container), ?heard, "an exit is older than its container");
                return tick.within(CONFIRM);
            }
            // Nobody has more to say of it.
            Ok(Some(Observation::Vanished) | None) => Observation::Exited(heard),
            Err(error) => {
                tracing::debug!(
                    container = id(&container),
                    error = chain(&error),
                    "an exit is left to the listing"
                );
                return tick.within(CONFIRM);
            }
        };
        match ending::believed((runtime, places), &container, Some(shown)).await {
            Some(Observation::Exited(exit)) => {
                self.tell(Event::ContainerExited { container, exit }).await;
                failpoint!("exit.told");
            }
            seen => {
                tracing::warn!(task = %container.task, container = container.container, ?heard, ?seen,
                    "containerd tells of an exit that is not this container's");
                tick.within(CONFIRM);
            }
        }
    }

    async fn look(&mut self, removals: &mut JoinSet<()>, tick: &mut Ticker) {
        let view = Arc::clone(&self.view.borrow());
        match self.lister.list(&view.tasks, false).await {
            Ok(listing) => {
                failpoint!("listing.before");
                self.tell(listing.event).await;
                failpoint!("listing.told");
                self.judge(listing.foreign, removals);
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "cannot list containers");
                tick.within(AGAIN);
            }
        }
    }

    /// Reports what bears no task, and removes it when its time is over: one removal at a time, each bounded by the runtime.
    fn judge(&mut self, foreign: BTreeSet<String>, removals: &mut JoinSet<()>) {
        let verdict = self.foreign.listed(foreign, self.begun.elapsed());
        for container in &verdict.news {
            tracing::warn!(container, "a container in our namespace bears no task of ours");
        }
        let Some(id) = verdict.due.into_iter().next().filter(|_| removals.is_empty()) else { return };
        let runtime = self.lister.runtime.clone();
        removals.spawn(async move {
            failpoint!("stranger.before");
            let removed = runtime.delete(&id).await;
            failpoint!("stranger.after" if removed.is_ok());
            match removed {
                Ok(_) => tracing::warn!(container = id, "removed a container that bears no task of ours"),
                Err(error) => tracing::warn!(container = id, error = chain(&error), "cannot remove it"),
            }
        });
    }

    async fn tell(&self, event: Event) {
        owner::tell(&self.inbox, Input::Event(event)).await;
    }
}

/// Whether an exit was before the container's present process was there to end.
pub fn is_of_an_earlier(view: &View, container: &ContainerRef, heard: Exit) -> bool {
    let task = view.tasks.get(&container.task);
    let found = task.and_then(|task| task.containers().find(|(spec, _)| spec.name == container.container));
    let Some((_, state)) = found else { return false };
    let again = state.restarts.is_some_and(|restarts| restarts > 0);
    let began = if again { state.started_at } else { state.created_at };
    began.is_some_and(|began| heard.at.plus(ANSWER) < began)
}

/// Which container of which task an id is. Ids are derived one way only, so the tasks of the view are tried; a container is in the
/// view before it is created.
#[derive(Debug)]
struct Names {
    view: watch::Receiver<Arc<View>>,
    known: BTreeMap<String, ContainerRef>,
}

impl Names {
    fn of(&mut self, id: &str) -> Option<ContainerRef> {
        if !self.known.contains_key(id) {
            let view = Arc::clone(&self.view.borrow());
            let references = view.tasks.values().flat_map(|task| {
                let reference =
                    |name: &String| ContainerRef { task: task.spec.arn.clone(), container: name.clone() };
                task.spec.containers.iter().map(move |container| reference(&container.name))
            });
            self.known = references.map(|reference| (self::id(&reference), reference)).collect();
        }
        self.known.get(id).cloned()
    }
}

fn id(container: &ContainerRef) -> String {
    runtime_id(&container.task, &container.container)
}

/// The state of a container in the node's words.
pub(crate) fn observation(state: ObservedState) -> Observation {
    match state {
        ObservedState::Created => Observation::Created,
        ObservedState::Running { pid } => Observation::Running { pid, since: None },
        ObservedState::Exited(exit) => {
            Observation::Exited(Exit { code: exit.code, at: Timestamp::from_millis(exit.at_ms) })
        }
        ObservedState::Vanished => Observation::Vanished,
    }
}
