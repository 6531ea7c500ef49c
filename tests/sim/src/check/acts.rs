//! What has to be true when a container is made or started, and when something of one goes.

use super::IN_FLIGHT;
use crate::host::Lived;
use crate::message;
use crate::plane::{Goal, port};
use crate::scenario::{Condition, NetworkPlan};
use crate::world::State;

impl State {
    /// `no_container_is_made_unasked`
    pub fn check_create(&mut self, task: &str, name: &str) {
        if self.plane.goal(task).is_none_or(|goal| !goal.wanted) {
            self.broken("no_container_is_made_unasked", format_args!("{task}/{name}"));
        }
    }

    /// Everything that has to be true when a process starts.
    pub fn check_start(&mut self, task: &str, name: &str) {
        self.one_live_copy(task, name);
        self.no_container_starts_early(task, name);
        self.nothing_starts_after_its_stop(task, name);
        self.one_task_on_a_port(task, name);
    }

    /// `never_two_live_copies`, `no_container_is_started_twice`
    fn one_live_copy(&mut self, task: &str, name: &str) {
        let Lived { starts, renewals, .. } = self.host.lived(task, name).clone();
        if self.host.kernel.of(task, name) > 0 {
            self.broken("never_two_live_copies", format_args!("{task}/{name}"));
        } else if starts > renewals {
            self.broken("no_container_is_started_twice", format_args!("{task}/{name}"));
        }
    }

    /// `no_container_starts_before_its_conditions_hold`
    fn no_container_starts_early(&mut self, task: &str, name: &str) {
        const RULE: &str = "no_container_starts_before_its_conditions_hold";
        let Some(goal) = self.plane.goal(task) else { return };
        let (network, containers) = (goal.plan.network, goal.plan.containers.clone());
        if !matches!(network, NetworkPlan::Host { .. }) && !self.host.networks.contains_key(task) {
            self.broken(RULE, format_args!("{task}/{name} has no network"));
        }
        let Some(at) = message::index(name).filter(|at| *at > 0) else { return };
        let Some(condition) = containers[at].waits_for else { return };
        if self.host.lived(task, name).started.is_some() {
            // Once it has run, its condition has held.
            return;
        }
        let before = self.host.lived(task, &message::name(at - 1)).clone();
        let holds = match condition {
            Condition::Start => before.started.is_some(),
            Condition::Complete => before.ended.is_some(),
            Condition::Success => before.ended.is_some_and(|(_, code)| code == Some(0)),
            Condition::Healthy => before.healthy,
        };
        if !holds {
            self.broken(RULE, format_args!("{task}/{name} waits for {condition:?}"));
        }
    }

    /// `nothing_starts_after_its_stop`
    fn nothing_starts_after_its_stop(&mut self, task: &str, name: &str) {
        let now = self.now();
        let late = |goal: &Goal| goal.stop_acked.is_some_and(|acked| acked + IN_FLIGHT < now);
        if self.plane.goal(task).is_some_and(|goal| late(goal)) {
            self.broken("nothing_starts_after_its_stop", format_args!("{task}/{name}"));
        }
    }

    /// `two_tasks_never_hold_one_port`
    fn one_task_on_a_port(&mut self, task: &str, name: &str) {
        let Some(wanted) = self.plane.goal(task).and_then(|goal| port(&goal.plan)) else { return };
        let others = self.plane.goals.iter().filter(|goal| goal.arn.id() != task);
        let holder = others
            .filter(|goal| port(&goal.plan) == Some(wanted))
            .find(|goal| !self.host.alive(goal.arn.id()).is_empty())
            .map(|goal| goal.arn.id().to_owned());
        if let Some(holder) = holder {
            self.broken(
                "two_tasks_never_hold_one_port",
                format_args!("{task}/{name} starts, {holder} has {wanted}"),
            );
        }
    }

    /// `what_runs_keeps_its_network`
    pub fn check_network_goes(&mut self, task: &str) {
        let alive = self.host.living(task);
        if !alive.is_empty() {
            self.broken("what_runs_keeps_its_network", format_args!("{task}: {alive} lives"));
        }
    }

    /// `what_is_not_ours_is_left_alone_until_its_time`
    pub fn check_delete(&mut self, id: &str) {
        let Some(since) = self.host.strangers.get(id).copied() else { return };
        let listed = self.now() - since;
        if self.scenario.tolerates.is_none_or(|wait| listed < wait) {
            self.broken("what_is_not_ours_is_left_alone_until_its_time", format_args!("{id}"));
        }
    }
}
