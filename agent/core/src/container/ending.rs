//! How a container comes to its end: what its exit means, and what is said of an end that nobody saw.

use super::Container;
use crate::event::Exit;
use crate::phase::{Created, Phase, Stopped};
use crate::reason::{Reason, ReasonCode};
use crate::restart;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use crate::why::KILLED;
use std::time::Duration;

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

/// A process that has ended.
struct Run {
    created: Created,
    started_at: Timestamp,
    /// How long it ran, for its restart policy.
    ran: Duration,
    /// It had been asked to stop.
    asked: bool,
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
            not_again: None,
            remains: None,
            removed: end.removed,
        });
        self.explain_oom();
    }

    /// Its process ended. Says whether that was news. Only what could have been started can exit: a created container that
    /// is torn down has an exit code too, and that is not the application's.
    pub(crate) fn exit(&mut self, spec: &ContainerSpec, exit: Exit) -> bool {
        if self.is_old_news(exit) {
            return false;
        }
        match &mut self.phase {
            Phase::Pending | Phase::Resolved { .. } => return false,
            // What exited has started, whether or not we heard of it: soon after it was created.
            Phase::Created(created) => {
                let ran = exit.at.since(created.at);
                let created = created.clone();
                self.run_ended(spec, Run { created, started_at: exit.at, ran, asked: false }, exit);
            }
            Phase::Running(running) => {
                let (started_at, asked) = (running.since, running.stop.is_some());
                let created = running.created.clone();
                let ran = exit.at.since(started_at);
                self.run_ended(spec, Run { created, started_at, ran, asked }, exit);
            }
            Phase::Restarting(restarting) => {
                let Some(renewed_at) = restarting.renewed_at else { return false };
                self.start(spec, renewed_at.min(exit.at));
                return self.exit(spec, exit);
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

    /// Whether this is how the process before the present one ended: events come twice, and a listing may be old.
    fn is_old_news(&self, exit: Exit) -> bool {
        self.restarting().is_some_and(|restarting| restarting.exit == exit)
            || self.restarts.is_some_and(|restarts| restarts.last_exit == exit)
    }

    /// One process is over: another one takes its place, or the container has stopped.
    fn run_ended(&mut self, spec: &ContainerSpec, run: Run, exit: Exit) {
        let policy = spec.restart.as_ref().filter(|_| !run.asked);
        let verdict = policy.map(|policy| restart::verdict(policy, run.ran, exit.code));
        if verdict == Some(Ok(())) {
            return self.begin_restart(spec, (run.created, run.started_at), exit);
        }
        let end = End { at: exit.at, exit_code: Some(exit.code), reason: None, removed: false };
        self.become_stopped(Some(run.started_at), end);
        if let Phase::Stopped(stopped) = &mut self.phase {
            stopped.not_again = verdict.and_then(Result::err);
        }
    }

    /// Its start was not answered. A code with which the runtime's own init ends may then be all there was: it is told as it
    /// is, with the doubt.
    pub(crate) fn doubt_start(&mut self) {
        let why = "containerd did not answer while the container was started";
        self.doubt(ReasonCode::CannotStartContainer, why);
    }

    /// The same for one that ended, or was never started, before its task was taken over.
    pub(crate) fn doubt_past(&mut self) {
        self.doubt(ReasonCode::StateLost, "the agent's state was lost");
    }

    fn doubt(&mut self, reason: ReasonCode, why: &str) {
        if let Phase::Stopped(stopped) = &mut self.phase
            && let Some(code) = stopped.exit_code.filter(|code| INIT_FAILED.contains(code))
            && stopped.reason.is_none()
        {
            let detail =
                format!("{why}; it ended with code {code}, and whether its program ran is not known");
            stopped.reason = Some(Reason::new(reason, detail));
        }
    }

    /// Whether it may have ended without having been started.
    pub(crate) fn is_doubted(&self) -> bool {
        let doubt = |reason: &Reason| is_doubt(reason);
        self.stopped()
            .is_some_and(|stopped| stopped.exit_code.is_some() && stopped.reason.as_ref().is_some_and(doubt))
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
            && stopped.reason.as_ref().is_none_or(is_doubt)
        {
            stopped.reason =
                Some(Reason::new(ReasonCode::OutOfMemory, "Container killed due to memory usage"));
        }
    }
}

/// Whether the reason only says that nobody knows; with an exit code it does. What is known takes its place.
fn is_doubt(reason: &Reason) -> bool {
    matches!(reason.code, ReasonCode::CannotStartContainer | ReasonCode::StateLost)
}
