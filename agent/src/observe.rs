//! What containerd holds of ours, told to the node: the event stream, and a listing whenever that stream may have had a gap.
//!
//! Owns the translation from container ids and labels to tasks and names. An event alone is never trusted to come: every half
//! minute, and after each gap, the listing says what is true.

use crate::failpoint::failpoint;
use crate::owner::Input;
use crate::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wharf_core::event::{ContainerRef, Event, Exit, Observation};
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::{Containerd, ListError, ObservedContainer, ObservedState, RuntimeEvent};

/// Time between two listings that nothing gave reason for. A listing is cheap: two calls, whatever the number of containers.
const RECONCILE: Duration = Duration::from_secs(30);
/// Time from the listing after a gap to the next one: the node believes "not there" only when it is said twice. Not sooner, because
/// a shim that could not tell containerd of an exit tries again, at last after five seconds.
const CONFIRM: Duration = Duration::from_secs(6);

const TASK_LABEL: &str = "com.amazonaws.ecs.task-arn";
const CONTAINER_LABEL: &str = "com.amazonaws.ecs.container-name";

/// Lists the runtime's containers as the node wants them.
///
/// # Errors
/// When containerd does not answer.
pub async fn observed(runtime: &Containerd, recovery: bool) -> Result<Event, ListError> {
    let containers = runtime.list().await?;
    Ok(Event::Observed { containers: containers.iter().filter_map(translate).collect(), recovery })
}

/// Tasks that have a container in the runtime.
pub fn tasks_of(event: &Event) -> impl Iterator<Item = &TaskArn> {
    let containers = match event {
        Event::Observed { containers, .. } => Some(containers.keys()),
        _ => None,
    };
    containers.into_iter().flatten().map(|container| &container.task)
}

/// Carries the runtime's events to the node until `cancel`.
pub async fn watch(
    runtime: Containerd,
    view: watch::Receiver<Arc<View>>,
    inbox: mpsc::Sender<Input>,
    cancel: CancellationToken,
) {
    let mut events = runtime.events();
    let mut names = Names { view, known: BTreeMap::new() };
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + RECONCILE, RECONCILE);
    loop {
        // All arms are cancel-safe: a token, a channel receiver and a ticker.
        let look = tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => true,
            event = events.recv() => match event {
                Some(RuntimeEvent::Exited { container_id, exit }) => {
                    failpoint!("exit.heard");
                    let exit = Exit { code: exit.code, at: Timestamp::from_millis(exit.at_ms) };
                    match names.of(&container_id) {
                        Some(container) => tell(&inbox, Event::ContainerExited { container, exit }).await,
                        None => tracing::debug!(container_id, "a container that is not ours exited"),
                    }
                    failpoint!("exit.told");
                    false
                }
                Some(RuntimeEvent::Oom { container_id }) => {
                    if let Some(container) = names.of(&container_id) {
                        tell(&inbox, Event::OutOfMemory { container }).await;
                    }
                    false
                }
                Some(RuntimeEvent::Resubscribed) => {
                    tick.reset_after(CONFIRM);
                    true
                }
                Some(RuntimeEvent::Disconnected) => {
                    tracing::warn!("containerd's events are not heard; a listing follows when they are again");
                    false
                }
                None => return,
            },
        };
        if look {
            match observed(&runtime, false).await {
                Ok(event) => tell(&inbox, event).await,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot list containers")
                }
            }
        }
    }
}

async fn tell(inbox: &mpsc::Sender<Input>, event: Event) {
    // A closed inbox: the agent is stopping.
    drop(inbox.send(Input::Event(event)).await);
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

fn translate(container: &ObservedContainer) -> Option<(ContainerRef, Observation)> {
    let observation = match &container.state {
        ObservedState::Created => Observation::Created,
        ObservedState::Running { pid } => Observation::Running { pid: *pid },
        ObservedState::Exited(exit) => {
            Observation::Exited(Exit { code: exit.code, at: Timestamp::from_millis(exit.at_ms) })
        }
        ObservedState::Vanished => Observation::Vanished,
    };
    Some((name(container)?, observation))
}
