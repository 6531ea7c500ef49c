//! How many containers are made at once, and which come first.
//!
//! Making one costs a good part of a second of the host's processors, and an end of containerd undoes all that are half made. Without a
//! bound, a containerd that comes back would be asked for every container that waits; where it ends again soon, none of them gets done.

use crate::effect::Effect;
use crate::node::Node;
use crate::order::{self, Readiness};
use crate::phase::Phase;
use crate::task::Task;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use wharf_protocol::arn::TaskArn;

impl Node {
    /// Leaves out what there is no room to make now, in the order of arrival; it is planned again when there is.
    pub(crate) fn bound_makings(&self, effects: &mut Vec<Effect>) {
        let place = |task: &TaskArn| self.tasks.get(task).map(|task| task.place);
        let makings = effects.iter().enumerate().filter_map(|(at, effect)| Some((place(made(effect)?), at)));
        // By place and position: containers of one task in the order of its definition.
        let makings: BTreeSet<_> = makings.collect();
        let room = self.config.makings.saturating_sub(self.work.makings());
        let late: BTreeSet<usize> = makings.into_iter().skip(room).map(|(_, at)| at).collect();
        let mut at = 0..;
        effects.retain(|_| at.next().is_none_or(|at| !late.contains(&at)));
    }

    /// Whether so many containers of earlier tasks are to be made that this one has to wait. Told from the state alone.
    pub(crate) fn is_crowded(&self, task: &Task, container: &str, now: Timestamp) -> bool {
        if !task.index_of(container).is_some_and(|index| is_due(task, index, now)) {
            return false;
        }
        let earlier = self.tasks.values().filter(|other| other.place < task.place);
        let due = earlier.map(|task| (0..task.containers.len()).filter(|at| is_due(task, *at, now)).count());
        due.sum::<usize>() >= self.config.makings
    }
}

/// Whether nothing of the task's own keeps the runtime from making this container, or a new process of it.
pub(crate) fn is_due(task: &Task, index: usize, now: Timestamp) -> bool {
    let standing = task.network.as_ref().is_none_or(|network| network.ready);
    let next = match task.containers[index].phase() {
        Phase::Resolved { .. } => order::readiness(task, index, now) == Readiness::Ready,
        Phase::Restarting(restarting) => restarting.renewed_at.is_none(),
        Phase::Pending | Phase::Created(_) | Phase::Running(_) | Phase::Stopped(_) => false,
    };
    task.is_wanted() && standing && next
}

/// The task of which the effect makes a container.
fn made(effect: &Effect) -> Option<&TaskArn> {
    match effect {
        Effect::CreateContainer { container, .. } | Effect::RenewContainer { container, .. } => {
            Some(&container.task)
        }
        Effect::PrepareNetwork { .. }
        | Effect::ReleaseTask { .. }
        | Effect::PullImage { .. }
        | Effect::StartContainer { .. }
        | Effect::InspectContainer { .. }
        | Effect::SignalContainer { .. }
        | Effect::DeleteContainer { .. }
        | Effect::ProbeHealth { .. }
        | Effect::ReportTask { .. }
        | Effect::ReportAttachment { .. } => None,
    }
}
