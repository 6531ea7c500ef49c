//! What the runtime holds: the one path of recovery, and the check that no event was missed.
//!
//! The first listing after a start is believed at once, for nothing is in flight. A later one may be older than what we
//! know: it is silent about containers with an effect in flight, and "not there" counts only when seen twice.

use crate::container::{Container, End};
use crate::event::{ContainerRef, Observation};
use crate::node::Node;
use crate::note::Note;
use crate::phase::Phase;
use crate::reason::{Reason, ReasonCode};
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use crate::work::Lane;
use std::collections::{BTreeMap, BTreeSet};

impl Node {
    pub(crate) fn observed(&mut self, seen: &BTreeMap<ContainerRef, Observation>, recovery: bool) {
        self.recovered |= recovery;
        let known: Vec<(ContainerRef, usize)> = self
            .tasks
            .values()
            .flat_map(|task| (0..task.containers.len()).map(|index| (task.reference(index), index)))
            .collect();
        let before = std::mem::take(&mut self.missing);
        for (container, index) in &known {
            if self.work.flight(&Lane::Container(container.clone())).is_some() {
                continue;
            }
            let found = seen.get(container).copied();
            if !recovery && self.looks_lost(container, *index, found) && !before.contains(container) {
                self.missing.insert(container.clone());
                self.draft.notes.push(Note::Missing { container: container.clone() });
                continue;
            }
            self.adopt(container, *index, found);
        }
        let known: BTreeSet<&ContainerRef> = known.iter().map(|(container, _)| container).collect();
        self.orphans = seen.keys().filter(|container| !known.contains(container)).cloned().collect();
        for (container, observation) in seen.iter().filter(|(container, _)| !known.contains(container)) {
            self.draft.notes.push(Note::Orphan { container: container.clone(), seen: *observation });
        }
    }

    /// Whether the listing denies a container that we believe in.
    fn looks_lost(&self, container: &ContainerRef, index: usize, found: Option<Observation>) -> bool {
        let gone = match found {
            None | Some(Observation::Vanished) => true,
            Some(Observation::Created | Observation::Running { .. } | Observation::Exited(_)) => false,
        };
        let state = self.tasks.get(&container.task).and_then(|task| task.containers.get(index));
        gone && state.is_some_and(|state| state.created_at().is_some() && state.stopped().is_none())
    }

    /// Most listings show what is known: only a container that they change is touched.
    fn adopt(&mut self, container: &ContainerRef, index: usize, found: Option<Observation>) {
        let Some(task) = self.tasks.get(&container.task) else { return };
        let mut state = task.containers[index].clone();
        state.adopt(&task.spec.containers[index], found, self.now);
        if state != task.containers[index]
            && let Some(task) = self.task_mut(&container.task)
        {
            task.containers[index] = state;
        }
    }
}

impl Container {
    /// Takes over what the runtime shows; `None` is nothing at all. What contradicts a later phase is ignored: a listing
    /// may be older than what we know.
    fn adopt(&mut self, spec: &ContainerSpec, seen: Option<Observation>, now: Timestamp) {
        match (seen, self.phase()) {
            (Some(Observation::Created), Phase::Pending | Phase::Resolved { .. }) => {
                self.create(now);
            }
            (
                Some(Observation::Running { .. }),
                Phase::Pending | Phase::Resolved { .. } | Phase::Created(_),
            ) => {
                self.start(spec, now);
            }
            (Some(Observation::Exited(exit)), Phase::Pending | Phase::Resolved { .. }) => {
                self.create(exit.at);
                self.exit(exit);
            }
            (Some(Observation::Exited(exit)), Phase::Created(_) | Phase::Running(_)) => {
                self.exit(exit);
            }
            // Never started as far as anyone could: start is ordered only once "created" is saved. Create is done again.
            (None | Some(Observation::Vanished), Phase::Pending | Phase::Resolved { .. }) => {}
            // It may have run and served; it is never made a second time.
            (None | Some(Observation::Vanished), Phase::Created(_) | Phase::Running(_)) => {
                let reason = Reason::new(
                    ReasonCode::ContainerVanished,
                    format!("container {} is gone from the runtime", self.name()),
                );
                self.stop(End { at: now, exit_code: None, reason: Some(reason), removed: seen.is_none() });
            }
            (Some(Observation::Created), Phase::Created(_) | Phase::Running(_)) => {}
            (Some(Observation::Running { .. }), Phase::Running(_)) => {}
            (None, Phase::Stopped(_)) => {}
            (Some(seen), Phase::Stopped(_)) => {
                self.still_there();
                if let Observation::Exited(exit) = seen {
                    self.exit(exit);
                }
            }
        }
    }
}
