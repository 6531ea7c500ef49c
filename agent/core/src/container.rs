//! One container of a task: which phase it is in and what is known in that phase.
//!
//! ```text
//! Pending → Resolved → Created → Running ⇄ Restarting
//!    │          │          │         └──────────┤
//!    └──────────┴──────────┴────────────────────┴──→ Stopped      phases never go back, but for a restart in
//!                                                                  place, and where the runtime undid a creation
//! ```
//! Owns the transitions, those to its end in `ending`, those of a restart in `restarting`, a clock that was set in `clock`; refuses to decide when they happen (`settle`, `apply_*`).

mod clock;
mod ending;
mod restarting;

use crate::event::{Remains, ResolvedImage};
use crate::health::Health;
use crate::phase::{Created, Phase, Running, StopClock, Stopped};
use crate::report::Status;
use crate::restart::Restarts;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use ending::End;

/// State of one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    name: String,
    phase: Phase,
    /// The kernel killed a process of it for memory; explains an exit with 137.
    out_of_memory: bool,
    /// Set with the first restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restarts: Option<Restarts>,
    /// Highest status that the control plane has taken.
    pub(crate) told: Option<Status>,
}

impl Container {
    pub(crate) fn new(spec: &ContainerSpec) -> Self {
        Self {
            name: spec.name.clone(),
            phase: Phase::Pending,
            out_of_memory: false,
            restarts: None,
            told: None,
        }
    }

    /// Name in the task definition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its phase.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Its status on the wire; `None` until an image digest is known.
    pub fn status(&self) -> Option<Status> {
        match &self.phase {
            Phase::Pending => None,
            Phase::Resolved { .. } | Phase::Created(_) => {
                self.image().and_then(|image| image.digest.as_ref()).map(|_| Status::Pending)
            }
            Phase::Running(_) | Phase::Restarting(_) => Some(Status::Running),
            Phase::Stopped(_) => Some(Status::Stopped),
        }
    }

    /// Highest status of this container that the control plane has taken.
    pub fn told(&self) -> Option<Status> {
        self.told
    }

    /// Its image, once resolved.
    pub fn image(&self) -> Option<&ResolvedImage> {
        match &self.phase {
            Phase::Pending => None,
            Phase::Resolved { image, .. } => Some(image),
            Phase::Created(created) => created.image.as_ref(),
            Phase::Running(running) => running.created.image.as_ref(),
            Phase::Restarting(restarting) => restarting.created.image.as_ref(),
            Phase::Stopped(stopped) => stopped.image.as_ref(),
        }
    }

    /// When it was created in the runtime.
    pub fn created_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending | Phase::Resolved { .. } => None,
            Phase::Created(created) => Some(created.at),
            Phase::Running(running) => Some(running.created.at),
            Phase::Restarting(restarting) => Some(restarting.created.at),
            Phase::Stopped(stopped) => stopped.created_at,
        }
    }

    /// When its process started, the last of them where it was started again.
    pub fn started_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) => None,
            Phase::Running(running) => Some(running.since),
            Phase::Restarting(restarting) => Some(restarting.started_at),
            Phase::Stopped(stopped) => stopped.started_at,
        }
    }

    /// When it stopped.
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.stopped().map(|stopped| stopped.at)
    }

    /// Its health; `None` without a check or before the start.
    pub fn health(&self) -> Option<&Health> {
        match &self.phase {
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) => None,
            Phase::Running(running) => running.health.as_ref(),
            Phase::Restarting(restarting) => restarting.health.as_ref(),
            Phase::Stopped(stopped) => stopped.health.as_ref(),
        }
    }

    /// How it stopped, once it has.
    pub fn stopped(&self) -> Option<&Stopped> {
        match &self.phase {
            Phase::Stopped(stopped) => Some(stopped),
            Phase::Pending
            | Phase::Resolved { .. }
            | Phase::Created(_)
            | Phase::Running(_)
            | Phase::Restarting(_) => None,
        }
    }

    /// Since when the phase holds; `None` for `Pending`.
    pub fn since(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending => None,
            Phase::Resolved { at, .. } => Some(*at),
            Phase::Created(created) => Some(created.at),
            Phase::Running(running) => Some(running.since),
            Phase::Restarting(restarting) => Some(restarting.exit.at),
            Phase::Stopped(stopped) => Some(stopped.at),
        }
    }

    /// Whether nothing of it is left: stopped and removed from the runtime.
    pub fn is_gone(&self) -> bool {
        self.stopped().is_some_and(|stopped| stopped.removed)
    }

    /// Whether its process runs, as far as is known.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// Whether it has a process that is still to be started, as far as is known.
    pub(crate) fn waits_to_start(&self) -> bool {
        match &self.phase {
            Phase::Created(_) => true,
            Phase::Restarting(restarting) => restarting.renewed_at.is_some(),
            Phase::Pending | Phase::Resolved { .. } | Phase::Running(_) | Phase::Stopped(_) => false,
        }
    }

    /// The time it has to stop, or had.
    pub(crate) fn stop_clock(&self) -> Option<StopClock> {
        match &self.phase {
            Phase::Running(running) => running.stop,
            Phase::Stopped(stopped) => stopped.stop,
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) | Phase::Restarting(_) => None,
        }
    }

    /// Whether the kernel killed a process of it for memory.
    pub(crate) fn ran_out(&self) -> bool {
        self.out_of_memory
    }

    pub(crate) fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.phase {
            Phase::Running(running) => Some(running),
            Phase::Pending
            | Phase::Resolved { .. }
            | Phase::Created(_)
            | Phase::Restarting(_)
            | Phase::Stopped(_) => None,
        }
    }

    /// The image came. Says whether that was news.
    pub(crate) fn resolve(&mut self, image: ResolvedImage, at: Timestamp) -> bool {
        let news = matches!(self.phase, Phase::Pending);
        if news {
            self.phase = Phase::Resolved { image, at };
        }
        news
    }

    /// The container exists now. Says whether that was news.
    pub(crate) fn create(&mut self, at: Timestamp) -> bool {
        let news = matches!(self.phase, Phase::Pending | Phase::Resolved { .. });
        if news {
            self.phase = Phase::Created(Created { image: self.image().cloned(), at });
        }
        news
    }

    /// What was made of it is gone again, before anything was started in it. Says whether it can be made again.
    pub(crate) fn unmake(&mut self, now: Timestamp) -> bool {
        let before = match &mut self.phase {
            Phase::Created(created) => created.image.take().map(|image| Phase::Resolved { image, at: now }),
            Phase::Restarting(restarting) => return restarting.renewed_at.take().is_some(),
            Phase::Pending | Phase::Resolved { .. } | Phase::Running(_) | Phase::Stopped(_) => None,
        };
        before.map(|before| self.phase = before).is_some()
    }

    /// The process runs. Says whether that was news; a start heard of after the exit only fills in the time.
    pub(crate) fn start(&mut self, spec: &ContainerSpec, at: Timestamp) -> bool {
        let created = match &mut self.phase {
            Phase::Pending | Phase::Resolved { .. } => Created { image: self.image().cloned(), at },
            Phase::Created(created) => created.clone(),
            Phase::Running(_) => return false,
            Phase::Restarting(restarting) if restarting.renewed_at.is_none() => {
                restarting.started_at = at.min(restarting.exit.at);
                return true;
            }
            Phase::Restarting(restarting) => {
                let restarting = restarting.clone();
                self.run_anew(spec, &restarting, at);
                return true;
            }
            Phase::Stopped(stopped) => {
                stopped.started_at = Some(at.min(stopped.at));
                return true;
            }
        };
        let health = spec.health_check.as_ref().map(|check| Health::starting(check, at));
        self.phase = Phase::Running(Running { created, since: at, health, stop: None });
        true
    }

    /// The runtime has something of it after all.
    pub(crate) fn still_there(&mut self) {
        if let Phase::Stopped(stopped) = &mut self.phase {
            stopped.removed = false;
        }
    }

    /// The runtime has nothing of it any more. Says whether it had stopped before, as it should have.
    pub(crate) fn removed(&mut self, remains: Option<Remains>) -> bool {
        match &mut self.phase {
            Phase::Stopped(stopped) => {
                stopped.removed = true;
                stopped.remains = stopped.remains.take().or(remains);
                true
            }
            Phase::Pending
            | Phase::Resolved { .. }
            | Phase::Created(_)
            | Phase::Running(_)
            | Phase::Restarting(_) => false,
        }
    }
}
