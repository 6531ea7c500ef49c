//! The way of a container from the end of one process to the start of the next, in place: same record, same root file system.
//!
//! ```text
//! Running ──exit──▶ Restarting ──the old process is cleared away, a new one made──▶ Restarting, renewed ──start──▶ Running
//!                       └───────── the task is to stop, or it cannot be done ────────────┘──▶ Stopped, with that exit
//! ```

use super::{Container, End};
use crate::event::Exit;
use crate::health::Health;
use crate::phase::{Created, Phase, Restarting, Running};
use crate::reason::Reason;
use crate::restart::Restarts;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;

impl Container {
    /// What is remembered of its restarts; `None` before the first.
    pub fn restarts(&self) -> Option<Restarts> {
        self.restarts
    }

    /// When the first of its processes started.
    pub(crate) fn first_started_at(&self) -> Option<Timestamp> {
        self.restarts.map(|restarts| restarts.first_start).or(self.started_at())
    }

    /// What is known of the process that ended, while it is started again.
    pub(crate) fn restarting(&self) -> Option<&Restarting> {
        match &self.phase {
            Phase::Restarting(restarting) => Some(restarting),
            Phase::Pending
            | Phase::Resolved { .. }
            | Phase::Created(_)
            | Phase::Running(_)
            | Phase::Stopped(_) => None,
        }
    }

    /// Its process ended, and its policy has it started again.
    pub(super) fn begin_restart(
        &mut self,
        spec: &ContainerSpec,
        (created, started_at): (Created, Timestamp),
        exit: Exit,
    ) {
        let health = spec.health_check.as_ref().map(|check| Health::starting(check, exit.at));
        self.phase = Phase::Restarting(Restarting { created, started_at, exit, health, renewed_at: None });
    }

    /// The old process is cleared away and a new one waits to be started. Says whether that was news.
    pub(crate) fn renew(&mut self, at: Timestamp) -> bool {
        match &mut self.phase {
            Phase::Restarting(restarting) if restarting.renewed_at.is_none() => {
                restarting.renewed_at = Some(at);
                true
            }
            Phase::Pending
            | Phase::Resolved { .. }
            | Phase::Created(_)
            | Phase::Running(_)
            | Phase::Restarting(_)
            | Phase::Stopped(_) => false,
        }
    }

    /// The new process runs, or has.
    pub(super) fn run_anew(&mut self, spec: &ContainerSpec, restarting: &Restarting, at: Timestamp) {
        self.restarts = Some(self.restarts_after(restarting));
        // What the kernel killed was the process before.
        self.out_of_memory = false;
        let health = spec.health_check.as_ref().map(|check| Health::starting(check, at));
        let created = restarting.created.clone();
        self.phase = Phase::Running(Running { created, since: at, health, stop: None });
    }

    /// What will be remembered once the new process has started.
    pub(crate) fn restarts_after(&self, restarting: &Restarting) -> Restarts {
        Restarts {
            count: self.restarts.map_or(0, |restarts| restarts.count).saturating_add(1),
            first_start: self.restarts.map_or(restarting.started_at, |restarts| restarts.first_start),
            last_exit: restarting.exit,
        }
    }

    /// It is not started again after all: it stopped as its process did. Says whether it was about to be.
    pub(crate) fn give_up_restart(&mut self, reason: Option<Reason>) -> bool {
        let end = self.restarting().map(|restarting| restarting.end(reason));
        let news = end.is_some();
        end.into_iter().for_each(|end| self.stop(end));
        news
    }

    /// Enters what the runtime has of the restarts of a container that nobody remembers; its process was made and not started.
    pub(crate) fn inscribe_restart(&mut self, restarts: Restarts) {
        if let Phase::Created(created) = &self.phase {
            let (created, exit) = (created.clone(), restarts.last_exit);
            let (count, renewed_at) = (restarts.count.saturating_sub(1), Some(exit.at));
            self.restarts = (count > 0).then_some(Restarts { count, ..restarts });
            let started_at = restarts.first_start;
            self.phase =
                Phase::Restarting(Restarting { created, started_at, exit, health: None, renewed_at });
        }
    }
}

impl Restarting {
    /// The end that it comes to when it is not started again.
    pub(crate) fn end(&self, reason: Option<Reason>) -> End {
        End { at: self.exit.at, exit_code: Some(self.exit.code), reason, removed: false }
    }
}
