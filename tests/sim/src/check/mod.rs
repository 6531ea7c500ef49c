//! The promises. Each check names its rule in `docs/explanation/invariants.md`; the first one that is broken ends the run.

mod acts;
mod calm;
mod told;

use crate::mistake::Mistake;
use crate::scenario::{ContainerPlan, Millis};
use crate::world::State;

/// How long after calm everything has to stand, and after the last stop everything has to be gone. Retries rest for up to two
/// minutes, a registration for longer.
const SETTLE: Millis = 500_000;
/// How long a start of the agent may take while nothing is wrong: a registration that failed rests for up to a minute.
const BEGINS: Millis = 200_000;
/// What a stop may take beyond its own time while nothing is wrong.
const BOUND: Millis = 30_000;
/// How long what was begun before a stop was heard of may still run.
const IN_FLIGHT: Millis = 130_000;

/// Every rule by the name under which it stands in `docs/explanation/invariants.md`, with a mistake that breaks it: a rule that no
/// mistake breaks may be one that cannot be broken at all.
pub const RULES: [(&str, Mistake); 22] = [
    ("no_container_is_made_unasked", Mistake::LabelsCut),
    ("no_container_starts_before_its_conditions_hold", Mistake::TornSave),
    ("never_two_live_copies", Mistake::KernelNotAsked),
    ("no_container_is_started_twice", Mistake::AckBeforeDurable),
    ("a_container_is_started_again_only_as_its_policy_says", Mistake::StartForgotten),
    ("restarts_are_counted_right", Mistake::CountForgotten),
    ("nothing_starts_after_its_stop", Mistake::EarlyStopLost),
    ("two_tasks_never_hold_one_port", Mistake::PortsUnread),
    ("what_runs_keeps_its_network", Mistake::KernelNotAsked),
    ("what_is_not_ours_is_left_alone_until_its_time", Mistake::ClockTrusted),
    ("what_is_asked_to_stop_stops_in_time", Mistake::DeadlineRestarted),
    ("a_report_never_goes_back", Mistake::ReportsOvertake),
    ("a_status_is_true_when_told", Mistake::KernelNotAsked),
    ("an_exit_code_told_is_the_true_one", Mistake::ExitBelieved),
    ("what_is_to_be_started_again_is", Mistake::ExitInSeconds),
    ("only_messages_are_acknowledged", Mistake::SessionAcknowledged),
    ("every_frame_can_be_read", Mistake::FramesCut),
    ("no_task_is_lost", Mistake::ReportOnce),
    ("no_task_stops_without_a_cause", Mistake::ExitBelieved),
    ("every_stop_is_told", Mistake::ToldOnce),
    ("nothing_of_a_stopped_task_remains", Mistake::FailedRemovalIsDone),
    ("the_agent_comes_to_live", Mistake::HalfRecord),
];

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which rule.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

impl State {
    /// What has to be true at any time, and, once nothing goes wrong any more, before long.
    pub fn look(&mut self) {
        self.what_is_asked_to_stop_stops_in_time();
        if !self.calm {
            return;
        }
        self.the_agent_comes_to_live();
        match self.finale {
            None => self.everything_settles(),
            Some(since) => self.everything_ends(since),
        }
    }

    /// It starts from whatever it left behind, once nothing is in its way.
    fn the_agent_comes_to_live(&mut self) {
        let (number, begun) = (self.life.number, self.life.begun);
        if !self.life.works && self.now() > begun.max(self.scenario.calm_at) + BEGINS {
            self.broken("the_agent_comes_to_live", format_args!("life {number} began at {begun} ms"));
        }
    }

    /// The time that the definition gives, and a bound, and twice the time for which something was wrong.
    fn what_is_asked_to_stop_stops_in_time(&mut self) {
        let now = self.now();
        let late = self.plane.goals.iter().find_map(|goal| {
            let acked = goal.stop_acked?;
            let own = longest_stop(&goal.plan.containers);
            let allowed = own + BOUND + 2 * self.trouble_since(acked);
            let alive = self.host.living(goal.arn.id());
            (!alive.is_empty() && now > acked + allowed)
                .then(|| format!("{}: {} lives {} ms after", goal.arn.id(), alive, now - acked))
        });
        if let Some(late) = late {
            self.broken("what_is_asked_to_stop_stops_in_time", format_args!("{late}"));
        }
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
