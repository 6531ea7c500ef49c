//! What the runtime holds: the one path of recovery, and the check that no event was missed.
//!
//! The first listing after a start is believed at once, for nothing is in flight. A later one may be older than what we
//! know: it is silent about containers with an effect in flight, and "not there" counts only when seen twice.

use crate::container::{Container, End};
use crate::event::{ContainerRef, Found, Observation};
use crate::node::Node;
use crate::note::Note;
use crate::phase::Phase;
use crate::reason::{Reason, ReasonCode};
use crate::record::RecordKey;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use crate::work::Lane;
use std::collections::{BTreeMap, BTreeSet};
use wharf_protocol::arn::TaskArn;

impl Node {
    pub(crate) fn observed(
        &mut self,
        seen: &BTreeMap<ContainerRef, Observation>,
        found: BTreeMap<TaskArn, Found>,
        boot: String,
        recovery: bool,
    ) {
        self.recovered |= recovery;
        self.runtime_is_lost = false;
        self.work.hurry(self.now);
        let loss = if self.enter_boot(boot) { Loss::Reboot } else { Loss::Unexplained };
        self.adopt_tasks(seen, found, recovery);
        let known: Vec<(ContainerRef, usize)> = self
            .tasks
            .values()
            .flat_map(|task| (0..task.containers.len()).map(|index| (task.reference(index), index)))
            .collect();
        let before = std::mem::take(&mut self.missing);
        for (container, index) in &known {
            if self.work.flight(&Lane::Container(container.clone())).is_some_and(|flight| !flight.is_signal())
            {
                continue;
            }
            let shown = seen.get(container).copied();
            if !recovery && self.looks_lost(container, *index, shown) && !before.contains(container) {
                self.missing.insert(container.clone());
                self.draft.notes.push(Note::Missing { container: container.clone() });
                continue;
            }
            self.adopt(container, *index, shown, loss);
        }
        let known: BTreeSet<&ContainerRef> = known.iter().map(|(container, _)| container).collect();
        self.note_orphans(seen.iter().filter(|(container, _)| !known.contains(container)));
    }

    /// Keeps which containers nobody knows, each with when it was first listed. Each is worth one line.
    fn note_orphans<'a>(&mut self, unknown: impl Iterator<Item = (&'a ContainerRef, &'a Observation)>) {
        let before = std::mem::take(&mut self.orphans);
        for (container, observation) in unknown {
            let since = before.get(container).copied().unwrap_or(self.now);
            if !before.contains_key(container) {
                self.draft.notes.push(Note::Orphan { container: container.clone(), seen: *observation });
            }
            self.orphans.insert(container.clone(), since);
        }
    }

    /// Remembers the boot of the host; says whether it is another than the last.
    fn enter_boot(&mut self, boot: String) -> bool {
        let before = self.manifest.boot.replace(boot);
        let other = before != self.manifest.boot;
        if other {
            self.draft.dirty.insert(RecordKey::node());
        }
        let rebooted = other && before.is_some();
        if rebooted {
            self.draft.notes.push(Note::HostRebooted);
        }
        rebooted
    }

    /// Whether the listing denies a container that we believe in.
    fn looks_lost(&self, container: &ContainerRef, index: usize, found: Option<Observation>) -> bool {
        let gone = match found {
            None | Some(Observation::Vanished) => true,
            Some(Observation::Created | Observation::Running { .. } | Observation::Exited(_)) => false,
        };
        let state = self.tasks.get(&container.task).and_then(|task| task.containers.get(index));
        gone && state.is_some_and(|state| {
            // Between the end of one process and the making of the next there is a record and nothing else.
            let between = found.is_some() && state.restarting().is_some_and(|r| r.renewed_at.is_none());
            state.created_at().is_some() && state.stopped().is_none() && !between
        })
    }

    /// Most listings show what is known: only a container that they change is touched.
    pub(crate) fn adopt(
        &mut self,
        container: &ContainerRef,
        index: usize,
        shown: Option<Observation>,
        loss: Loss,
    ) {
        let Some(task) = self.tasks.get(&container.task) else { return };
        let mut state = task.containers[index].clone();
        state.adopt(&task.spec.containers[index], shown, loss, self.now);
        if self.work.is_unsure(container) {
            state.doubt_start();
        }
        if state == task.containers[index] {
            return;
        }
        // It was made, or started, after all: what is said of it from now on is not said of an act that had no answer.
        let before = &task.containers[index];
        let was_made = before.created_at().is_none() && state.created_at().is_some();
        let came_up = !before.is_running() && state.is_running();
        if was_made || came_up {
            self.work.refresh(&Lane::Container(container.clone()));
        }
        let ended = state.stopped().and_then(|stopped| stopped.reason.clone());
        let rebooted = ended.filter(|reason| reason.code == ReasonCode::HostRebooted);
        if let Some(task) = self.task_mut(&container.task) {
            task.containers[index] = state;
            if let Some(reason) = rebooted {
                task.want_stopped(reason);
            }
        }
    }
}

/// Why the runtime shows no process where there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    Unexplained,
    Reboot,
}

impl Loss {
    fn reason(self, container: &str) -> Reason {
        match self {
            Self::Unexplained => Reason::new(
                ReasonCode::ContainerVanished,
                format!("container {container} is gone from the runtime"),
            ),
            Self::Reboot => Reason::new(
                ReasonCode::HostRebooted,
                format!("the host was started again under container {container}"),
            ),
        }
    }
}

impl Container {
    /// Takes over what the runtime shows; `None` is nothing at all. What contradicts a later phase is ignored: a listing
    /// may be older than what we know.
    fn adopt(&mut self, spec: &ContainerSpec, seen: Option<Observation>, loss: Loss, now: Timestamp) {
        match (seen, self.phase()) {
            (Some(Observation::Created), Phase::Pending | Phase::Resolved { .. }) => {
                self.create(now);
            }
            (
                Some(Observation::Running { since, .. }),
                Phase::Pending | Phase::Resolved { .. } | Phase::Created(_),
            ) => {
                self.start(spec, since.unwrap_or(now).min(now));
            }
            (Some(Observation::Exited(exit)), Phase::Created(_) | Phase::Running(_)) => {
                self.exit(spec, exit);
            }
            (_, Phase::Restarting(restarting)) => {
                let renewed_at = restarting.renewed_at;
                self.adopt_restarting(spec, renewed_at, seen, (loss, now));
            }
            // Never started: start is ordered only once "created" is saved. What ended is the runtime's own init, which waited for it.
            // Create is done again, and clears away what is there.
            (
                None | Some(Observation::Vanished | Observation::Exited(_)),
                Phase::Pending | Phase::Resolved { .. },
            ) => {}
            // It may have run and served; it is never made a second time.
            (None | Some(Observation::Vanished), Phase::Created(_) | Phase::Running(_)) => {
                let reason = loss.reason(self.name());
                // Also where there is not even a record: its processes and its snapshot may be there.
                self.stop(End { at: now, exit_code: None, reason: Some(reason), removed: false });
            }
            (Some(Observation::Created), Phase::Created(_) | Phase::Running(_)) => {}
            (Some(Observation::Running { .. }), Phase::Running(_)) => {}
            (None, Phase::Stopped(_)) => {}
            (Some(seen), Phase::Stopped(_)) => {
                self.still_there();
                if let Observation::Exited(exit) = seen {
                    self.exit(spec, exit);
                }
            }
        }
    }

    /// Takes over what is shown of a container that is being started again.
    fn adopt_restarting(
        &mut self,
        spec: &ContainerSpec,
        renewed_at: Option<Timestamp>,
        seen: Option<Observation>,
        (loss, now): (Loss, Timestamp),
    ) {
        match (seen, renewed_at) {
            (Some(Observation::Running { since, .. }), Some(renewed_at)) => {
                self.start(spec, since.map_or(now, |since| since.max(renewed_at)));
            }
            // A listing from before its end.
            (Some(Observation::Running { .. }), None) | (Some(Observation::Created), _) => {}
            // The old process is cleared away, and the new one is still to be made.
            (Some(Observation::Vanished), None) if loss == Loss::Unexplained => {}
            // How the old process ended is known; what became of the new one is not.
            (None | Some(Observation::Vanished), _) => {
                let exit_code = self.restarting().filter(|_| renewed_at.is_none()).map(|r| r.exit.code);
                let reason = loss.reason(self.name());
                self.stop(End { at: now, exit_code, reason: Some(reason), removed: false });
            }
            (Some(Observation::Exited(exit)), _) => {
                self.exit(spec, exit);
            }
        }
    }
}
