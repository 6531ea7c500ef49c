//! What has to come once nothing goes wrong any more.

use super::SETTLE;
use crate::host::{Container, Process};
use crate::message;
use crate::plane::{Goal, port};
use crate::scenario::{Condition, Millis};
use crate::world::{Happening, State};
use std::collections::BTreeSet;
use wharf_core::report::Status;
use wharf_runtime::ObservedState;

impl State {
    /// Calm: every task that was asked for runs or has stopped, and none stopped without a cause.
    pub(super) fn everything_settles(&mut self) {
        let since = self.scenario.calm_at;
        let now = self.now();
        let unsettled = self.plane.goals.iter().find(|goal| goal.wanted && !self.is_settled(goal));
        match unsettled.map(|goal| format!("{} was told {:?}", goal.arn.id(), goal.told)) {
            Some(what) if now > since + SETTLE => {
                self.broken("no_task_is_lost", format_args!("{what}"));
            }
            Some(_) => {}
            None => {
                self.no_task_stops_without_a_cause();
                self.plan(0, Happening::Finale);
            }
        }
    }

    fn is_settled(&self, goal: &Goal) -> bool {
        let id = goal.arn.id();
        let ended = |at: usize| {
            let lived = self.host.lives.get(&(id.to_owned(), message::name(at)));
            lived.is_some_and(|lived| lived.ended.is_some())
        };
        let essential = || (0..goal.plan.containers.len()).filter(|at| goal.plan.containers[*at].essential);
        match goal.told {
            Some(Status::Stopped) => true,
            Some(Status::Running) => goal.stop_asked.is_none() && !essential().any(ended),
            Some(Status::Pending) | None => {
                let waits = self.waits_for_port(goal) || self.waits_its_turn(goal);
                goal.stop_asked.is_none() && (waits || self.waits_for_the_lost(goal))
            }
        }
    }

    /// Another task may have its port for as long as it runs.
    fn waits_for_port(&self, goal: &Goal) -> bool {
        let Some(wanted) = port(&goal.plan) else { return false };
        let same = |other: &&Goal| other.arn != goal.arn && port(&other.plan) == Some(wanted);
        self.plane.goals.iter().filter(same).any(|other| !self.host.alive(other.arn.id()).is_empty())
    }

    /// Everything behind a task that waits for its port waits too: first come, first served.
    fn waits_its_turn(&self, goal: &Goal) -> bool {
        let before = |other: &Goal| other.arn != goal.arn && other.run_acked <= goal.run_acked;
        let queued = |other: &Goal| other.wanted && other.told.is_none() && other.stop_asked.is_none();
        self.plane.goals.iter().any(|other| before(other) && queued(other) && self.waits_for_port(other))
    }

    /// Nobody can probe the health of a container that lives and that containerd has lost, for as long as it lives.
    fn waits_for_the_lost(&self, goal: &Goal) -> bool {
        let id = goal.arn.id();
        let lost = |container: &Container| {
            let lives = self.host.kernel.of(id, &container.name) > 0;
            lives && !matches!(self.host.seen(container), ObservedState::Running { .. })
        };
        let is_lost = |at: usize| self.host.container(id, &message::name(at)).is_some_and(lost);
        let plans = &goal.plan.containers;
        (1..plans.len()).any(|at| plans[at].waits_for == Some(Condition::Healthy) && is_lost(at - 1))
    }

    fn no_task_stops_without_a_cause(&mut self) {
        let without = self.plane.goals.iter().find(|goal| {
            let own_end = goal.plan.containers.iter().any(|container| container.ends.is_some());
            let stopped = goal.told == Some(Status::Stopped);
            stopped && goal.stop_asked.is_none() && !goal.excused && !own_end && !self.was_killed(goal)
        });
        if let Some(task) = without.map(|goal| goal.arn.id().to_owned()) {
            self.broken("no_task_stops_without_a_cause", format_args!("{task}"));
        }
    }

    fn was_killed(&self, goal: &Goal) -> bool {
        let of_task = self.host.lives.iter().filter(|((id, _), _)| id == goal.arn.id());
        of_task.into_iter().any(|(_, lived)| lived.oom)
    }

    /// The end: every stop is told, and nothing of a stopped task remains.
    pub(super) fn everything_ends(&mut self, since: Millis) {
        let untold = self.plane.goals.iter().find(|goal| goal.wanted && goal.told != Some(Status::Stopped));
        let untold = untold.map(|goal| format!("{} was told {:?}", goal.arn.id(), goal.told));
        let remains = self.remains();
        let late = self.now() > since + SETTLE;
        match (untold, remains) {
            (None, None) => self.over = true,
            (Some(what), _) if late => self.broken("every_stop_is_told", format_args!("{what}")),
            (None, Some(what)) if late => {
                self.broken("nothing_of_a_stopped_task_remains", format_args!("{what}"));
            }
            (Some(_), _) | (None, Some(_)) => {}
        }
    }

    fn remains(&self) -> Option<String> {
        let stays = |id: &String| self.scenario.tolerates.is_none() && self.host.strangers.contains_key(id);
        let container = self.host.containers.iter().find(|(id, _)| !stays(id));
        let container = container.map(|(id, _)| format!("a record of {id}"));
        let stays = |process: &Process| stays(&process.id);
        let process = self.host.kernel.all().find(|(_, process)| !stays(process));
        let process = process.map(|(pid, found)| format!("process {pid} of {}: {:?}", found.id, found.kind));
        let records = self.host.containers.values().map(|found| found.request.cgroup_path.as_str());
        let kept: BTreeSet<&str> =
            records.chain(self.host.kernel.all().map(|(_, process)| process.cgroup.as_str())).collect();
        let cgroup = self.host.kernel.cgroups.iter().find(|path| !kept.contains(path.as_str()));
        let cgroup = cgroup.map(|path| format!("cgroup {path}"));
        let network = || self.host.networks.keys().next().map(|task| format!("the network of {task}"));
        process.or(container).or_else(network).or(cgroup)
    }
}
