//! How many containers are made at once, and which come first.
//!
//! Making one costs a good part of a second of the host's processors, and an end of containerd undoes all that are half made. Without a
//! bound, a containerd that comes back would be asked for every container that waits; where it ends again soon, none of them gets done.
//! The wait for a turn has no limit of its own: each that goes before is made or given up within its limit.

use crate::effect::Effect;
use crate::node::Node;
use crate::order::{self, Readiness};
use crate::phase::Phase;
use crate::task::Task;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use wharf_protocol::arn::TaskArn;

impl Node {
    /// Leaves out what there is no room to make now, in the order of arrival; it is planned again when there is. Of one task one
    /// container at a time: its shim makes no two at once, and a shim that hangs holds up one place, not all.
    pub(crate) fn bound_makings(&mut self, effects: &mut Vec<Effect>) {
        let mut making = self.work.makings();
        let place = |task: &TaskArn| self.tasks.get(task).map(|task| task.place);
        let wanted = effects.iter().enumerate().filter_map(|(at, effect)| {
            let task = made(effect)?;
            Some((place(task), at, task))
        });
        // By place and position: containers of one task in the order of its definition.
        let wanted: BTreeSet<_> = wanted.collect();
        let is_late = |(_, _, task): &(_, _, _)| making.len() >= self.config.makings || !making.insert(*task);
        let late: BTreeSet<usize> = wanted.into_iter().filter(is_late).map(|(_, at, _)| at).collect();
        let mut at = 0..;
        let left = effects.extract_if(.., |_| at.next().is_some_and(|at| late.contains(&at)));
        left.for_each(|effect| self.work.wait_for_turn(&effect, self.now));
    }

    /// Whether containers of so many earlier tasks are to be made that those of this one may have to wait. Told from the state alone.
    pub(crate) fn is_crowded(&self, task: &Task, container: &str, now: Timestamp) -> bool {
        if !task.index_of(container).is_some_and(|index| is_due(task, index, now)) {
            return false;
        }
        let earlier = self.tasks.values().filter(|other| other.place < task.place);
        let due = earlier.filter(|task| (0..task.containers.len()).any(|index| is_due(task, index, now)));
        due.count() >= self.config.makings
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
    let (Effect::CreateContainer { container, .. } | Effect::RenewContainer { container, .. }) = effect
    else {
        return None;
    };
    Some(&container.task)
}
