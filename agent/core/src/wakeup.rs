//! When the node next wants to be woken: every deadline that stands in the state.

use crate::node::Node;
use crate::order::{self, Readiness};
use crate::phase::Phase;
use crate::plan::next_probe;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use std::time::Duration;

/// How long a turn that could not be saved waits before it is tried again.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

impl Node {
    /// When to step next if nothing happens before; `None` when nothing is due by itself.
    ///
    /// What was due before the last step was done in it, or waits for an effect whose end is an event: so only later
    /// moments count, and the shell never spins.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let tasks = self.tasks.values().flat_map(|task| self.deadlines(task));
        let absent = self.absent.values().map(|absent| absent.since.plus(self.config.history_age));
        let attachments = self.attachments.values().map(|attachment| attachment.expires_at);
        let unknown = self.config.unknown_wait.into_iter().flat_map(|wait| {
            self.orphans
                .iter()
                .filter(|(orphan, _)| !self.absent.contains_key(&orphan.task))
                .map(move |(_, since)| since.plus(wait))
        });
        let flights = self.work.deadlines(&self.config.limits);
        let history = self.history.values().map(|ended_at| ended_at.plus(self.config.history_age));
        let again = (!self.unsaved.is_empty()).then(|| self.now.plus(SAVE_AGAIN));
        let all = tasks
            .chain(absent)
            .chain(history)
            .chain(unknown)
            .chain(attachments)
            .chain(self.work.wakeups())
            .chain(self.turns_free_at())
            .chain(flights)
            .chain(again);
        all.filter(|at| *at > self.now).min()
    }

    fn deadlines(&self, task: &Task) -> Vec<Timestamp> {
        let mut all: Vec<Timestamp> = task.changes_due_at(self.config.report_hold).into_iter().collect();
        all.extend(task.droppable_at(self.config.task_retention));
        for (index, container) in task.containers.iter().enumerate() {
            all.extend(next_probe(task, index));
            match container.phase() {
                Phase::Pending => {
                    if let Stage::Admitted { pull_by, .. } = task.stage {
                        all.push(pull_by);
                    }
                    all.extend(self.dependency_deadline(task, index));
                }
                Phase::Resolved { .. } => all.extend(self.dependency_deadline(task, index)),
                Phase::Running(running) => all.extend(running.stop.map(|clock| clock.deadline)),
                Phase::Created(_) | Phase::Restarting(_) | Phase::Stopped(_) => {}
            }
        }
        all
    }

    fn dependency_deadline(&self, task: &Task, index: usize) -> Option<Timestamp> {
        match order::readiness(task, index, self.now) {
            Readiness::Waits { deadline, .. } => deadline,
            Readiness::Ready | Readiness::Never { .. } => None,
        }
    }
}
