//! How a container comes to its end: what its exit means, and what is said of an end that nobody saw.

use super::Container;
use crate::event::Exit;
use crate::phase::{Phase, Stopped};
use crate::reason::{Reason, ReasonCode};
use crate::time::Timestamp;
use crate::why::KILLED;

/// Exit codes of the runtime's init when it is broken off before it has become the container's program.
const INIT_FAILED: [i32; 3] = [1, 137, 255];

/// How a container came to stop.
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<Reason>,
    /// The runtime holds nothing of it.
    pub(crate) removed: bool,
}

impl Container {
    /// It has stopped. Does nothing to one that had stopped before.
    pub(crate) fn stop(&mut self, end: End) {
        if self.stopped().is_none() {
            self.become_stopped(self.started_at(), end);
        }
    }

    fn become_stopped(&mut self, started_at: Option<Timestamp>, end: End) {
        self.phase = Phase::Stopped(Stopped {
            image: self.image().cloned(),
            created_at: self.created_at(),
            started_at,
            health: self.health().cloned(),
            stop: self.stop_clock(),
            at: end.at,
            exit_code: end.exit_code,
            reason: end.reason,
            remains: None,
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
                // What exited has started, whether or not we heard of it.
                let started_at = self.started_at().or(Some(exit.at));
                let end = End { at: exit.at, exit_code: Some(exit.code), reason: None, removed: false };
                self.become_stopped(started_at, end);
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

    /// Its start was not answered. A code with which the runtime's own init ends may then be all there was: it is told as it
    /// is, with the doubt.
    pub(crate) fn doubt_start(&mut self) {
        if let Phase::Stopped(stopped) = &mut self.phase
            && let Some(code) = stopped.exit_code.filter(|code| INIT_FAILED.contains(code))
            && stopped.reason.is_none()
        {
            let detail = format!(
                "containerd did not answer while the container was started; it ended with code {code}, and whether its program ran is not known"
            );
            stopped.reason = Some(Reason::new(ReasonCode::CannotStartContainer, detail));
        }
    }

    /// The kernel killed a process of it for memory.
    pub(crate) fn ran_out_of_memory(&mut self) {
        self.out_of_memory = true;
        self.explain_oom();
    }

    /// OOM is an event and only an exit is a state: the two meet here, in whichever order they came.
    fn explain_oom(&mut self) {
        if let Phase::Stopped(stopped) = &mut self.phase
            && self.out_of_memory
            && stopped.exit_code == Some(KILLED)
            && stopped.reason.is_none()
        {
            stopped.reason =
                Some(Reason::new(ReasonCode::OutOfMemory, "Container killed due to memory usage"));
        }
    }
}
