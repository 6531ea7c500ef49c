//! What containerd holds of ours at one moment, with the kernel's word on what it may have wrong.

use super::{id, observation};
use crate::causes::chain;
use crate::effects::Places;
use crate::effects::request::INSTANCE_LABEL;
use crate::ending;
use crate::seam::Runtime;
use crate::view::{Stage, TaskView};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf_core::adopt::Inscription;
use wharf_core::event::{ContainerRef, Event, Found, FoundContainer, Observation};
use wharf_core::restart::Restarts;
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::{ListError, ObservedContainer};

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
        let expected = known.values().flat_map(|task| expected(task, &containers));
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

/// The containers of a task that are in the runtime and have not ended, as far as is known, or that are shown as ended: what is known is
/// of when the listing began, and they may have been made and started since. Of one that is shown without a process nothing follows, as
/// long as it is not known to have been made; what waits in its cgroup may be left of a creation that was broken off.
fn expected(
    task: &TaskView,
    shown: &BTreeMap<ContainerRef, Observation>,
) -> impl Iterator<Item = ContainerRef> {
    let name = |name: &str| ContainerRef { task: task.spec.arn.clone(), container: name.to_owned() };
    let containers = task.containers().map(move |(spec, state)| (name(&spec.name), state.known));
    let there = containers.filter(|(container, known)| match known {
        Stage::None | Stage::Pulled => matches!(shown.get(container), Some(Observation::Exited(_))),
        Stage::Created | Stage::Running => true,
        Stage::Stopped => false,
    });
    there.map(|(container, _)| container)
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

fn name(container: &ObservedContainer) -> Option<ContainerRef> {
    let task = TaskArn::parse(container.labels.get(TASK_LABEL)?).ok()?;
    let found = ContainerRef { task, container: container.labels.get(CONTAINER_LABEL)?.clone() };
    // A foreign container could bear our labels; only the name that we would give counts.
    (id(&found) == container.id).then_some(found)
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
