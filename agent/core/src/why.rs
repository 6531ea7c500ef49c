//! Why a task and its containers stopped, in full: what is reported to the control plane, and what ECS leaves unsaid because the
//! control plane knows it from its own request or from the exit code.
//!
//! Owns the derivation alone: everything is read from the state, so it is the same in every report, log and listing.

use crate::container::Container;
use crate::event::Desired;
use crate::phase::Stopped;
use crate::reason::{Reason, ReasonCode};
use crate::task::Task;

/// Exit code of a process that was killed with SIGKILL.
pub(crate) const KILLED: i32 = 137;

impl Task {
    /// Why it stops or stopped, at its root: where an essential container ended, that container's own reason if it has one to
    /// tell. `None` for a task that is to run, and for one that an older agent stopped without a note of the reason.
    pub fn why(&self) -> Option<Reason> {
        if self.desired == Desired::Running {
            return None;
        }
        let ended = |code| matches!(code, ReasonCode::EssentialContainerExited);
        let reason = self.reason.as_ref();
        if reason.is_some_and(|reason| !ended(reason.code)) {
            return reason.cloned();
        }
        let (_, first) = self
            .pairs()
            .filter(|(spec, container)| spec.essential && container.stopped().is_some())
            .min_by_key(|(_, container)| container.finished_at())?;
        let own = first.why().filter(|own| own.code != ReasonCode::ContainerExited);
        let named = |own: Reason| {
            Reason::new(own.code, format!("essential container {}: {}", first.name(), own.detail))
        };
        own.map(named).or_else(|| reason.cloned())
    }
}

impl Container {
    /// Why it stopped; `None` while it has not.
    pub fn why(&self) -> Option<Reason> {
        let stopped = self.stopped()?;
        Some(stopped.reason.clone().unwrap_or_else(|| unsaid(stopped)))
    }
}

/// The reason of a container that has none to report.
fn unsaid(stopped: &Stopped) -> Reason {
    let Some(started) = stopped.started_at else {
        return Reason::new(ReasonCode::ContainerNotStarted, "its task was to stop before it was started");
    };
    let Some(code) = stopped.exit_code else {
        return Reason::new(ReasonCode::ContainerVanished, "it ended and its exit code was never seen");
    };
    match stopped.stop {
        Some(clock) if code == KILLED && stopped.at >= clock.deadline => {
            let given = clock.deadline.since(clock.since).as_secs_f32();
            let detail =
                format!("it did not end within {given} s of being asked to and was killed; exit code {code}");
            Reason::new(ReasonCode::ContainerKilled, detail)
        }
        Some(clock) => {
            let took = stopped.at.since(clock.since).as_secs_f32();
            let detail = format!("it ended {took} s after it was to stop, with exit code {code}");
            Reason::new(ReasonCode::ContainerStopped, detail)
        }
        None if code == KILLED => {
            let detail = "it was killed with SIGKILL, which neither the agent nor the kernel's out-of-memory killer sent";
            Reason::new(ReasonCode::KilledFromOutside, format!("{detail}{}", not_again(stopped)))
        }
        None => {
            let ran = stopped.at.since(started).as_secs_f32();
            let detail = format!("it exited with code {code} after {ran} s{}", not_again(stopped));
            Reason::new(ReasonCode::ContainerExited, detail)
        }
    }
}

/// Why its restart policy did not start it again, to be appended.
fn not_again(stopped: &Stopped) -> String {
    stopped.not_again.map(|why| format!("; {why}")).unwrap_or_default()
}
