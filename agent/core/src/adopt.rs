//! Tasks that the runtime shows and nobody remembers: adopted from what their containers bear, or ended by policy.
//!
//! Every container bears the definition of its whole task (an [`Inscription`]), so that an agent whose data directory was lost
//! takes its tasks over instead of leaving them to run unseen. What it cannot know is what was asked and told meanwhile: the
//! control plane is told again, and says again what is to stop.
//!
//! ```text
//! listed, task unknown ──readable inscription──▶ adopted ──a process runs──▶ goes on
//!          │                                        └──────none runs───────▶ stops: it is not known how far it had come
//!          └──none──▶ orphan ──the control plane says stop, or the wait is over──▶ removed, STOPPED told
//! ```

use crate::container::End;
use crate::event::{ContainerRef, Exit, Found, FoundContainer, Observation, ResolvedImage};
use crate::node::Node;
use crate::note::Note;
use crate::reason::{Reason, ReasonCode};
use crate::record::{self, RestoreError};
use crate::spec::{ContainerSpec, TaskSpec};
use crate::task::{Stage, Task, network_of};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

/// What a container bears in the runtime's record of it. Of credentials there is only their id in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inscription {
    /// The definition of its task.
    pub task: TaskSpec,
    /// Its image.
    pub image: ResolvedImage,
}

impl Inscription {
    /// The bytes to give to the runtime; borrowed, for a definition is not small.
    pub fn encode(task: &TaskSpec, image: &ResolvedImage) -> Vec<u8> {
        record::encode(&InscriptionRef { task, image })
    }

    /// Reads what the runtime gave back.
    ///
    /// # Errors
    /// When it is not of this form, or of a newer one.
    pub fn decode(bytes: &[u8]) -> Result<Self, RestoreError> {
        record::read_inscription(bytes)
    }
}

#[derive(Serialize)]
struct InscriptionRef<'a> {
    task: &'a TaskSpec,
    image: &'a ResolvedImage,
}

impl Node {
    /// Takes over the tasks of a listing that nobody knows and whose definition is readable. After the first listing only those
    /// that were listed before: a listing may be older than the removal of what it shows.
    pub(crate) fn adopt_tasks(
        &mut self,
        seen: &BTreeMap<ContainerRef, Observation>,
        found: BTreeMap<TaskArn, Found>,
        recovery: bool,
    ) {
        for (arn, found) in found {
            let shown: BTreeMap<&str, Observation> = seen
                .iter()
                .filter(|(container, _)| container.task == arn)
                .map(|(container, state)| (container.container.as_str(), *state))
                .collect();
            let unknown = !self.tasks.contains_key(&arn) && !self.absent.contains_key(&arn);
            let old = recovery || self.orphans.keys().any(|orphan| orphan.task == arn);
            if unknown && old && found.fits(&arn, &shown) {
                self.adopt_task(arn, found, &shown);
            }
        }
    }

    fn adopt_task(&mut self, arn: TaskArn, mut found: Found, shown: &BTreeMap<&str, Observation>) {
        let received_at = found.containers.values().filter_map(|c| c.created_at).min().unwrap_or(self.now);
        let network = network_of(&found.spec.network);
        let mut task = Task::new(Arc::new(*found.spec), network, self.next_place(), received_at);
        // It holds its resources already.
        task.stage = Stage::Admitted { at: self.now, pull_by: self.now.plus(self.config.limits.pull) };
        // Also one that bears nothing readable is there, and may have run: it is never begun a second time.
        for (name, seen) in shown {
            let borne = found.containers.remove(*name).unwrap_or_default();
            task.inscribe(name, borne, Some(*seen), self.now);
        }
        let running = shown.values().filter(|state| matches!(state, Observation::Running { .. })).count();
        let ended = |name: &str| matches!(shown.get(name), Some(Observation::Exited(_)));
        // One whose essential container has ended for good stops for that.
        let over = |container: &ContainerSpec| {
            container.essential && container.restart.is_none() && ended(&container.name)
        };
        let over = task.spec.containers.iter().any(over);
        if running == 0 && !over {
            task.want_stopped(unfinished());
        }
        self.draft.before(&arn, None);
        self.draft.notes.push(Note::TaskAdopted { task: arn.clone(), running });
        self.tasks.insert(arn, Arc::new(task));
    }

    /// Ends, by policy, what was listed for long enough and belongs to no task that anybody knows.
    pub(crate) fn end_unknown(&mut self) {
        let Some(wait) = self.config.unknown_wait else { return };
        let over = |since: &Timestamp| since.plus(wait) <= self.now;
        let due: Vec<TaskArn> =
            self.orphans.iter().filter(|(_, at)| over(at)).map(|(orphan, _)| orphan.task.clone()).collect();
        for arn in due {
            let detail = format!(
                "containers of this task run here and their definition is unknown; after {} s they are removed",
                wait.as_secs()
            );
            self.answer_for_absent(arn, Some(Reason::new(ReasonCode::UnknownContainer, detail)));
        }
    }
}

impl Found {
    /// Whether it is the definition of what is shown: the right task, and every container has its place in it.
    fn fits(&self, arn: &TaskArn, shown: &BTreeMap<&str, Observation>) -> bool {
        let defined = |name: &&str| self.spec.containers.iter().any(|container| container.name == **name);
        self.spec.arn == *arn && shown.keys().all(defined)
    }
}

impl Task {
    /// Enters what the runtime's record of a container says of its image and its times.
    fn inscribe(&mut self, name: &str, found: FoundContainer, seen: Option<Observation>, now: Timestamp) {
        let Some(index) = self.index_of(name) else { return };
        let (spec, container) = (&self.spec.containers[index], &mut self.containers[index]);
        let created_at = found.created_at.unwrap_or(now);
        if let Some(image) = found.image {
            container.resolve(image, created_at);
        }
        container.create(created_at);
        if let Some(restarts) = found.restarts {
            container.inscribe_restart(restarts);
        }
        match seen {
            Some(Observation::Running { .. }) => {
                container.start(spec, found.started_at.unwrap_or(now));
            }
            // Whether it was asked to stop is not known, so no policy starts it again.
            Some(Observation::Exited(Exit { at, code })) => {
                container.start(spec, at);
                container.stop(End { at, exit_code: Some(code), reason: None, removed: false });
                if found.restarts.is_none() {
                    container.doubt_past();
                }
            }
            Some(Observation::Created | Observation::Vanished) | None => {}
        }
    }
}

/// Why a task stops of which nothing runs: it may just have been removed container by container, and to run the rest of it would be to
/// run it twice.
fn unfinished() -> Reason {
    let detail = "the agent lost its state while none of the task's containers ran; it is not begun again";
    Reason::new(ReasonCode::StateLost, detail)
}
