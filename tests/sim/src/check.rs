//! The promises. Each check is a function named after its rule in `docs/explanation/invariants.md`; the first one that is broken
//! ends the run.

use crate::history::Who;
use crate::host::{Lived, Phase};
use crate::message;
use crate::plane::{Goal, port};
use crate::scenario::{Condition, ContainerPlan, Millis, NetworkPlan};
use crate::world::{Happening, State};
use wharf_core::report::Status;
use wharf_protocol::api::{ContainerStateChange, SubmitTaskStateChangeRequest};

/// How long after calm everything has to stand, and after the last stop everything has to be gone. Retries rest for up to two
/// minutes, a registration for longer.
const SETTLE: Millis = 500_000;
/// What a stop may take beyond its own time while nothing is wrong.
const BOUND: Millis = 30_000;
/// How long what was begun before a stop was heard of may still run.
const IN_FLIGHT: Millis = 130_000;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which rule.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

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
        let Lived { starts, renewals, live, .. } = self.host.lived(task, name).clone();
        if live > 0 {
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
        let alive = self.host.alive(task).join(", ");
        if !alive.is_empty() {
            self.broken("what_runs_keeps_its_network", format_args!("{task}: {alive} lives"));
        }
    }

    /// `what_is_not_ours_is_left_alone_until_its_time`
    pub fn check_delete(&mut self, id: &str) {
        let Some(since) = self.host.strangers.get(id).copied() else { return };
        let listed = self.now() - since + self.set_forward;
        if self.scenario.tolerates.is_none_or(|wait| listed < wait) {
            self.broken("what_is_not_ours_is_left_alone_until_its_time", format_args!("{id}"));
        }
    }

    /// The control plane takes a report: everything in it has to be true now.
    pub fn takes(&mut self, request: &SubmitTaskStateChangeRequest) {
        let task =
            request.task.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned();
        let status = match request.status.as_deref() {
            Some("PENDING") => Status::Pending,
            Some("RUNNING") => Status::Running,
            Some("STOPPED") => Status::Stopped,
            _ => return self.say(Who::Plane, format_args!("{task} is attached")),
        };
        let reason = request.reason.as_deref().unwrap_or_default();
        self.say(Who::Plane, format_args!("{task} is {} {reason}", status.as_str()));
        self.a_report_never_goes_back(&task, status);
        self.a_status_is_true_when_told(&task, status);
        for container in &request.containers {
            self.an_exit_code_told_is_the_true_one(&task, container);
        }
        if let Some(goal) = self.plane.goal(&task) {
            goal.told = goal.told.max(Some(status));
        }
    }

    fn a_report_never_goes_back(&mut self, task: &str, status: Status) {
        let told = self.plane.goal(task).and_then(|goal| goal.told);
        if told > Some(status) {
            self.broken("a_report_never_goes_back", format_args!("{task}: {told:?}, then {status:?}"));
        }
    }

    /// No process of a stopped task lives; every essential container of a running one has started.
    fn a_status_is_true_when_told(&mut self, task: &str, status: Status) {
        const RULE: &str = "a_status_is_true_when_told";
        match status {
            Status::Pending => {}
            Status::Stopped => {
                let alive = self.host.alive(task).join(", ");
                if !alive.is_empty() {
                    self.broken(RULE, format_args!("{task} is said to be STOPPED, and {alive} lives"));
                }
            }
            Status::Running => {
                let Some(goal) = self.plane.goal(task) else { return };
                let essential: Vec<usize> = (0..goal.plan.containers.len())
                    .filter(|at| goal.plan.containers[*at].essential)
                    .collect();
                for at in essential {
                    if self.host.lived(task, &message::name(at)).started.is_none() {
                        self.broken(RULE, format_args!("{task} is said to be RUNNING, and c{at} never ran"));
                    }
                }
            }
        }
    }

    fn an_exit_code_told_is_the_true_one(&mut self, task: &str, told: &ContainerStateChange) {
        const RULE: &str = "an_exit_code_told_is_the_true_one";
        let name = told.container_name.clone().unwrap_or_default();
        let lived = self.host.lived(task, &name).clone();
        if told.status.as_deref() == Some("STOPPED") && lived.live > 0 {
            return self.broken(RULE, format_args!("{task}/{name} is said to have stopped, and lives"));
        }
        let (Some(code), Some(_)) = (told.exit_code, lived.started) else { return };
        if lived.ended.and_then(|(_, code)| code).map(i64::from) != Some(code) {
            self.broken(RULE, format_args!("{task}/{name}: {code}, and not {:?}", lived.ended));
        }
        self.what_is_to_be_started_again_is(task, &name, code);
    }

    /// What has to be true at any time, and, once nothing goes wrong any more, before long.
    pub fn look(&mut self) {
        self.what_is_asked_to_stop_stops_in_time();
        if !self.calm {
            return;
        }
        match self.finale {
            None => self.everything_settles(),
            Some(since) => self.everything_ends(since),
        }
    }

    /// The time that the definition gives, and a bound, and twice the time for which something was wrong.
    fn what_is_asked_to_stop_stops_in_time(&mut self) {
        let now = self.now();
        let late = self.plane.goals.iter().find_map(|goal| {
            let acked = goal.stop_acked?;
            let own = longest_stop(&goal.plan.containers);
            let allowed = own + BOUND + 2 * self.trouble_since(acked);
            let alive = self.host.alive(goal.arn.id());
            (!alive.is_empty() && now > acked + allowed)
                .then(|| format!("{}: {} lives {} ms after", goal.arn.id(), alive.join(", "), now - acked))
        });
        if let Some(late) = late {
            self.broken("what_is_asked_to_stop_stops_in_time", format_args!("{late}"));
        }
    }

    /// Calm: every task that was asked for runs or has stopped, and none stopped without a cause.
    fn everything_settles(&mut self) {
        let since = self.scenario.calm_at;
        let now = self.now();
        let unsettled = self.plane.goals.iter().find(|goal| goal.wanted && !self.is_settled(goal));
        match unsettled.map(|goal| format!("{} was told {:?}", goal.arn.id(), goal.told)) {
            Some(what) if now > since + SETTLE + self.set_back => {
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
            // Another task may have its port for as long as it runs.
            Some(Status::Pending) | None => {
                let wanted = port(&goal.plan);
                let same = |other: &&Goal| other.arn != goal.arn && port(&other.plan) == wanted;
                wanted.is_some()
                    && goal.stop_asked.is_none()
                    && self
                        .plane
                        .goals
                        .iter()
                        .filter(same)
                        .any(|other| !self.host.alive(other.arn.id()).is_empty())
            }
        }
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
    fn everything_ends(&mut self, since: Millis) {
        let untold = self.plane.goals.iter().find(|goal| goal.wanted && goal.told != Some(Status::Stopped));
        let untold = untold.map(|goal| format!("{} was told {:?}", goal.arn.id(), goal.told));
        let remains = self.remains();
        let late = self.now() > since + SETTLE + self.set_back;
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
        let container = container.map(|(id, found)| match found.phase {
            Phase::Running(_) => format!("{id} runs"),
            Phase::Created | Phase::Exited(_) | Phase::Vanished => format!("a record of {id}"),
        });
        let network = || self.host.networks.keys().next().map(|task| format!("the network of {task}"));
        let cgroup = || self.host.cgroups.iter().next().map(|task| format!("the cgroup of {task}"));
        container.or_else(network).or_else(cgroup)
    }
}

/// The longest that a stop may take by the definition: those that wait for each other stop one after the other, others at once.
fn longest_stop(containers: &[ContainerPlan]) -> Millis {
    let (longest, last) = containers.iter().fold((0, 0), |(longest, chain): (Millis, Millis), container| {
        let own = container.stop_timeout.max(2) * 1000;
        match container.waits_for {
            Some(_) => (longest, chain + own),
            None => (longest.max(chain), own),
        }
    });
    longest.max(last)
}
