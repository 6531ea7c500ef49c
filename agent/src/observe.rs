//! What containerd holds of ours, told to the node: the event stream, and a listing whenever that stream may have had a gap.
//!
//! Owns the translation from container ids and labels to tasks and names. An event alone is never trusted to come: every half
//! minute, and after each gap, the listing says what is true. Nor is an exit trusted that comes: containerd tells, late and with a code
//! that it invents, of processes that it lost or broke off, and they bear the id of the container that was made anew since. So the
//! container is looked at.

use crate::causes::chain;
use crate::effects::Places;
use crate::effects::request::INSTANCE_LABEL;
use crate::ending;
use crate::failpoint::failpoint;
use crate::foreign::Foreign;
use crate::owner::{self, Input};
use crate::seam::{Clock as _, Outside, Runtime};
use crate::view::{Stage, TaskView, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wharf_core::adopt::Inscription;
use wharf_core::event::{ContainerRef, Event, Exit, Found, FoundContainer, Observation};
use wharf_core::restart::Restarts;
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::{ListError, ObservedContainer, ObservedState, RuntimeEvent};
use wharf_wait::{Ticker, Wait, end, message};

/// Why the wait for events needs no end.
const QUIET: &str = "a quiet runtime has none, and the listing every half minute does not rely on them";
/// Time between two listings that nothing gave reason for. A listing is cheap: two calls, whatever the number of containers.
const RECONCILE: Duration = Duration::from_secs(30);
/// Time from the listing after a gap to the next one: the node believes "not there" only when it is said twice. Not sooner, because
/// a shim that could not tell containerd of an exit tries again, at last after five seconds.
const CONFIRM: Duration = Duration::from_secs(6);

/// Time from a listing that failed to the next one.
const AGAIN: Duration = Duration::from_secs(1);

const TASK_LABEL: &str = "com.amazonaws.ecs.task-arn";
const CONTAINER_LABEL: &str = "com.amazonaws.ecs.container-name";

/// Who looks at the runtime, and in which boot of the host.
#[derive(Debug, Clone)]
pub struct Lister<R> {
    /// The runtime.
    pub runtime: R,
    /// Where containers have their cgroups.
    pub places: Places,
    /// The boot, in the kernel's own words.
    pub boot: String,
}

/// What a listing showed.
#[derive(Debug)]
pub struct Listing {
    /// What is the node's to know.
    pub event: Event,
    /// Containers that bear no task, by id.
    pub foreign: BTreeSet<String>,
    /// The container instance that the newest container names.
    pub instance: Option<String>,
}

impl<R: Runtime> Lister<R> {
    /// Lists the runtime's containers. Of other than the known tasks it also reads what their containers bear.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn list(
        &self,
        known: &BTreeMap<TaskArn, Arc<TaskView>>,
        recovery: bool,
    ) -> Result<Listing, ListError> {
        let (mut containers, mut found) = (BTreeMap::new(), BTreeMap::new());
        let (mut foreign, mut instance) = (BTreeSet::new(), None);
        for container in self.runtime.list().await? {
            let Some(name) = name(&container) else {
                foreign.insert(container.id);
                continue;
            };
            let named =
                container.labels.get(INSTANCE_LABEL).map(|arn| (container.created_at_ms, arn.clone()));
            instance = instance.max(named);
            if !known.contains_key(&name.task) {
                read_inscription(&name, &container, &mut found);
            }
            let state = began(observation(container.state), container.started_at_ms);
            containers.insert(name, state);
        }
        let expected = known.values().flat_map(|task| expected(task));
        let unknown = containers.keys().filter(|container| !known.contains_key(&container.task)).cloned();
        let defined = found.values().flat_map(defined);
        let doubtful = expected.chain(unknown).chain(defined).collect();
        self.check(&mut containers, doubtful).await;
        let boot = self.boot.clone();
        let event = Event::Observed { containers, found, boot, recovery };
        Ok(Listing { event, foreign, instance: instance.map(|(_, arn)| arn) })
    }

    /// Has the kernel's word on containers that may live and are not shown to.
    async fn check(
        &self,
        containers: &mut BTreeMap<ContainerRef, Observation>,
        doubtful: BTreeSet<ContainerRef>,
    ) {
        for container in doubtful {
            let shown = containers.get(&container).copied();
            let seen = ending::believed((&self.runtime, &self.places), &container, shown).await;
            containers.extend(seen.map(|seen| (container, seen)));
        }
    }
}

/// The containers of a task that are in the runtime as far as is known, and have not ended.
fn expected(task: &TaskView) -> impl Iterator<Item = ContainerRef> {
    let there = task.containers().filter(|(_, state)| matches!(state.known, Stage::Created | Stage::Running));
    there.map(|(spec, _)| ContainerRef { task: task.spec.arn.clone(), container: spec.name.clone() })
}

/// The containers of a task that nobody knew: any of them may run, whatever is left of its record.
fn defined(found: &Found) -> impl Iterator<Item = ContainerRef> {
    let task = &found.spec.arn;
    found.spec.containers.iter().map(|spec| ContainerRef { task: task.clone(), container: spec.name.clone() })
}

/// Adds what a container bears to what was found of its task.
fn read_inscription(
    name: &ContainerRef,
    container: &ObservedContainer,
    found: &mut BTreeMap<TaskArn, Found>,
) {
    let Inscription { task, image } = match Inscription::decode(&container.inscription) {
        Ok(read) => read,
        Err(error) => {
            return tracing::warn!(task = %name.task, container = name.container, error = chain(&error),
                "the definition that this container bears cannot be read");
        }
    };
    let time = |ms: Option<i64>| ms.map(Timestamp::from_millis);
    let state = FoundContainer {
        image: Some(image),
        created_at: time(container.created_at_ms),
        started_at: time(container.started_at_ms),
        restarts: restarts(name, container),
    };
    let task = found
        .entry(name.task.clone())
        .or_insert_with(|| Found { spec: Box::new(task), containers: BTreeMap::new() });
    task.containers.insert(name.container.clone(), state);
}

/// Reads what was noted on a container when it was last started again.
fn restarts(name: &ContainerRef, container: &ObservedContainer) -> Option<Restarts> {
    let noted = Some(&container.restarts).filter(|noted| !noted.is_empty())?;
    let read = Restarts::decode(noted);
    read.inspect_err(|error| {
        tracing::warn!(task = %name.task, container = name.container, error = chain(error),
            "the note of this container's restarts cannot be read");
    })
    .ok()
}

/// Tasks that have a container in the runtime.
pub fn tasks_of(event: &Event) -> impl Iterator<Item = &TaskArn> {
    let containers = match event {
        Event::Observed { containers, .. } => Some(containers.keys()),
        _ => None,
    };
    containers.into_iter().flatten().map(|container| &container.task)
}

/// Carries the runtime's events and listings to the node.
#[derive(Debug)]
pub struct Watch<O: Outside> {
    /// Who lists.
    pub lister: Lister<O::Runtime>,
    /// What the time of unknown containers is measured by.
    pub clock: O::Clock,
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
                failpoint!("exit.told");
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
            // Nobody has more to say of it.
            Ok(Some(Observation::Vanished) | None) => Observation::Exited(heard),
            // It may be the exit of an earlier attempt under the same id: the listing that follows knows.
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
            Some(Observation::Exited(exit)) => self.tell(Event::ContainerExited { container, exit }).await,
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
                self.tell(listing.event).await;
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
        let verdict = self.foreign.listed(foreign, self.clock.now());
        for container in &verdict.news {
            tracing::warn!(container, "a container in our namespace bears no task of ours");
        }
        let Some(id) = verdict.due.into_iter().next().filter(|_| removals.is_empty()) else { return };
        let runtime = self.lister.runtime.clone();
        removals.spawn(async move {
            match runtime.delete(&id).await {
                Ok(_) => tracing::warn!(container = id, "removed a container that bears no task of ours"),
                Err(error) => tracing::warn!(container = id, error = chain(&error), "cannot remove it"),
            }
        });
    }

    async fn tell(&self, event: Event) {
        owner::tell(&self.inbox, Input::Event(event)).await;
    }
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

fn name(container: &ObservedContainer) -> Option<ContainerRef> {
    let task = TaskArn::parse(container.labels.get(TASK_LABEL)?).ok()?;
    let found = ContainerRef { task, container: container.labels.get(CONTAINER_LABEL)?.clone() };
    // A foreign container could bear our labels; only the name that we would give counts.
    (id(&found) == container.id).then_some(found)
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

/// The same with the start of a process that runs, where the kernel tells it.
fn began(state: Observation, started_at_ms: Option<i64>) -> Observation {
    match state {
        Observation::Running { pid, .. } => {
            Observation::Running { pid, since: started_at_ms.map(Timestamp::from_millis) }
        }
        Observation::Created | Observation::Exited(_) | Observation::Vanished => state,
    }
}
