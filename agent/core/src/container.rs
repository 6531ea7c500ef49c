//! One container of a task: which phase it is in and what is known in that phase.
//!
//! ```text
//! Pending → Resolved → Created → Running → Stopped
//!    └─────────┴──────────┴────────────────→┘      phases never go back
//! ```
//! Owns the transitions; refuses to decide when they happen (`settle`, `apply_*`).

use crate::event::{Exit, Observation, ResolvedImage};
use crate::health::Health;
use crate::reason::{Reason, ReasonCode};
use crate::report::Status;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Exit code of a process that was killed with SIGKILL, by us or by the kernel.
const KILLED: i32 = 137;

/// State of one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    name: String,
    phase: Phase,
    /// The kernel killed a process of it for memory; explains an exit with 137.
    out_of_memory: bool,
    /// Highest status that the control plane has taken.
    pub(crate) told: Option<Status>,
}

/// Phases of a container, each with what is known in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing of it exists.
    Pending,
    /// Its image is in the store.
    Resolved {
        /// The image.
        image: ResolvedImage,
        /// Since when.
        at: Timestamp,
    },
    /// It exists in the runtime; its process was never started.
    Created(Created),
    /// Its process runs.
    Running(Running),
    /// It has no process and never will again.
    Stopped(Stopped),
}

/// What is known of a created container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// Its image; unknown for one that was found in the runtime without a record of its image.
    pub image: Option<ResolvedImage>,
    /// When it was created.
    pub at: Timestamp,
}

/// What is known of a running container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// What was known when it was created.
    pub created: Created,
    /// When its process started.
    pub since: Timestamp,
    /// Its health, when it has a check.
    pub health: Option<Health>,
    /// Set once it is to stop.
    pub stop: Option<StopClock>,
}

/// The time a container has to stop politely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopClock {
    /// When it was to stop.
    pub since: Timestamp,
    /// When SIGKILL is due.
    pub deadline: Timestamp,
    /// Whether the polite signal was delivered.
    pub asked: bool,
}

/// What is known of a stopped container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// Its image, when it came that far.
    pub image: Option<ResolvedImage>,
    /// When it was created, if it was.
    pub created_at: Option<Timestamp>,
    /// When its process started, if it did.
    pub started_at: Option<Timestamp>,
    /// Last known health.
    pub health: Option<Health>,
    /// When it stopped.
    pub at: Timestamp,
    /// Exit code, when known.
    pub exit_code: Option<i32>,
    /// Why it stopped, when there is more to say than the exit code.
    pub reason: Option<Reason>,
    /// Whether the runtime holds nothing of it any more.
    pub removed: bool,
}

/// How a container came to stop.
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<Reason>,
    /// The runtime holds nothing of it.
    pub(crate) removed: bool,
}

impl Container {
    pub(crate) fn new(spec: &ContainerSpec) -> Self {
        Self { name: spec.name.clone(), phase: Phase::Pending, out_of_memory: false, told: None }
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
            Phase::Running(_) => Some(Status::Running),
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
            Phase::Stopped(stopped) => stopped.image.as_ref(),
        }
    }

    /// When it was created in the runtime.
    pub fn created_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending | Phase::Resolved { .. } => None,
            Phase::Created(created) => Some(created.at),
            Phase::Running(running) => Some(running.created.at),
            Phase::Stopped(stopped) => stopped.created_at,
        }
    }

    /// When its process started.
    pub fn started_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) => None,
            Phase::Running(running) => Some(running.since),
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
            Phase::Stopped(stopped) => stopped.health.as_ref(),
        }
    }

    /// How it stopped, once it has.
    pub fn stopped(&self) -> Option<&Stopped> {
        match &self.phase {
            Phase::Stopped(stopped) => Some(stopped),
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) | Phase::Running(_) => None,
        }
    }

    /// Since when the phase holds; `None` for `Pending`.
    pub fn since(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Pending => None,
            Phase::Resolved { at, .. } => Some(*at),
            Phase::Created(created) => Some(created.at),
            Phase::Running(running) => Some(running.since),
            Phase::Stopped(stopped) => Some(stopped.at),
        }
    }

    /// Whether nothing of it is left: stopped and removed from the runtime.
    pub fn is_gone(&self) -> bool {
        self.stopped().is_some_and(|stopped| stopped.removed)
    }

    pub(crate) fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.phase {
            Phase::Running(running) => Some(running),
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) | Phase::Stopped(_) => None,
        }
    }

    pub(crate) fn stopped_mut(&mut self) -> Option<&mut Stopped> {
        match &mut self.phase {
            Phase::Stopped(stopped) => Some(stopped),
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) | Phase::Running(_) => None,
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

    /// The process runs. Says whether that was news; a start heard of after the exit only fills in the time.
    pub(crate) fn start(&mut self, spec: &ContainerSpec, at: Timestamp) -> bool {
        let created = match &mut self.phase {
            Phase::Pending | Phase::Resolved { .. } => Created { image: self.image().cloned(), at },
            Phase::Created(created) => created.clone(),
            Phase::Running(_) => return false,
            Phase::Stopped(stopped) => {
                stopped.started_at = Some(at.min(stopped.at));
                return false;
            }
        };
        let health = spec.health_check.as_ref().map(|check| Health::starting(check, at));
        self.phase = Phase::Running(Running { created, since: at, health, stop: None });
        true
    }

    /// It has stopped. Does nothing to one that had stopped before.
    pub(crate) fn stop(&mut self, end: End) {
        if self.stopped().is_some() {
            return;
        }
        self.phase = Phase::Stopped(Stopped {
            image: self.image().cloned(),
            created_at: self.created_at(),
            started_at: self.started_at(),
            health: self.health().cloned(),
            at: end.at,
            exit_code: end.exit_code,
            reason: end.reason,
            removed: end.removed,
        });
        self.explain_oom();
    }

    /// Its process ended. Says whether that was news. Only what could have been started can exit: a created container that
    /// is torn down has an exit code too, and that is not the application's.
    pub(crate) fn exit(&mut self, exit: Exit) -> bool {
        match &mut self.phase {
            Phase::Pending | Phase::Resolved { .. } => return false,
            Phase::Created(_) | Phase::Running(_) => {
                let started_at = self.started_at().unwrap_or(exit.at);
                self.stop(End { at: exit.at, exit_code: Some(exit.code), reason: None, removed: false });
                self.stopped_mut().expect("it was stopped above").started_at = Some(started_at);
            }
            Phase::Stopped(stopped) => {
                if stopped.exit_code.is_some() || stopped.started_at.is_none() {
                    return false;
                }
                stopped.exit_code = Some(exit.code);
                stopped.at = exit.at;
                // "Vanished" said that nobody saw it end; somebody did.
                stopped.reason.take_if(|reason| reason.code == ReasonCode::ContainerVanished);
                self.explain_oom();
            }
        }
        true
    }

    /// The kernel killed a process of it for memory.
    pub(crate) fn ran_out_of_memory(&mut self) {
        self.out_of_memory = true;
        self.explain_oom();
    }

    /// OOM is an event and only an exit is a state: the two meet here, in whichever order they came.
    fn explain_oom(&mut self) {
        let out_of_memory = self.out_of_memory;
        if let Some(stopped) = self.stopped_mut()
            && out_of_memory
            && stopped.exit_code == Some(KILLED)
            && stopped.reason.is_none()
        {
            stopped.reason =
                Some(Reason::new(ReasonCode::OutOfMemory, "Container killed due to memory usage"));
        }
    }

    /// Takes over what the runtime shows; `None` is nothing at all. What contradicts a later phase is ignored: a listing
    /// may be older than what we know.
    pub(crate) fn adopt(&mut self, spec: &ContainerSpec, seen: Option<Observation>, now: Timestamp) {
        match (seen, &mut self.phase) {
            (Some(Observation::Created), Phase::Pending | Phase::Resolved { .. }) => {
                self.create(now);
            }
            (
                Some(Observation::Running { .. }),
                Phase::Pending | Phase::Resolved { .. } | Phase::Created(_),
            ) => {
                self.start(spec, now);
            }
            (Some(Observation::Exited(exit)), Phase::Pending | Phase::Resolved { .. }) => {
                self.create(exit.at);
                self.exit(exit);
            }
            (Some(Observation::Exited(exit)), Phase::Created(_) | Phase::Running(_)) => {
                self.exit(exit);
            }
            // Never started as far as anyone could: start is ordered only once "created" is saved. Create is done again.
            (None | Some(Observation::Vanished), Phase::Pending | Phase::Resolved { .. }) => {}
            // It may have run and served; it is never made a second time.
            (None | Some(Observation::Vanished), Phase::Created(_) | Phase::Running(_)) => {
                let reason = Reason::new(
                    ReasonCode::ContainerVanished,
                    format!("container {} is gone from the runtime", self.name),
                );
                self.stop(End { at: now, exit_code: None, reason: Some(reason), removed: seen.is_none() });
            }
            (Some(Observation::Created), Phase::Created(_) | Phase::Running(_)) => {}
            (Some(Observation::Running { .. }), Phase::Running(_)) => {}
            (None, Phase::Stopped(_)) => {}
            (Some(seen), Phase::Stopped(stopped)) => {
                stopped.removed = false;
                if let Observation::Exited(exit) = seen {
                    self.exit(exit);
                }
            }
        }
    }
}
