//! The promises. Each check is a function named after its rule in `docs/explanation/invariants.md`; the first one that is broken
//! ends the run.

mod acts;
mod calm;
mod told;

use crate::scenario::{ContainerPlan, Millis};
use crate::world::State;

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
