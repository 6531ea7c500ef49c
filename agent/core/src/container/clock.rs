//! The instants of a container that deadlines are reckoned from.

use super::Container;
use crate::health::Health;
use crate::phase::{Phase, StopClock};
use crate::time::Timestamp;

impl Container {
    /// The wall clock was set by so many milliseconds. The time of an exit stays: the same exit told once more is known by it.
    pub(crate) fn move_along(&mut self, ms: i64) {
        let instants: Vec<&mut Timestamp> = match &mut self.phase {
            Phase::Pending | Phase::Stopped(_) => Vec::new(),
            Phase::Resolved { at, .. } => vec![at],
            Phase::Created(created) => vec![&mut created.at],
            Phase::Running(running) => {
                let own = [&mut running.created.at, &mut running.since];
                let health = running.health.as_mut().map(Health::instants);
                let stop = running.stop.as_mut().map(StopClock::instants);
                own.into_iter()
                    .chain(health.into_iter().flatten())
                    .chain(stop.into_iter().flatten())
                    .collect()
            }
            Phase::Restarting(restarting) => {
                let own = [&mut restarting.created.at, &mut restarting.started_at];
                let health = restarting.health.as_mut().map(Health::instants);
                own.into_iter()
                    .chain(&mut restarting.renewed_at)
                    .chain(health.into_iter().flatten())
                    .collect()
            }
        };
        let first_start = self.restarts.as_mut().map(|restarts| &mut restarts.first_start);
        for instant in instants.into_iter().chain(first_start) {
            *instant = instant.moved(ms);
        }
    }
}
