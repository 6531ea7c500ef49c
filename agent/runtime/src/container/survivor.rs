//! What lives on of a container of which containerd says that it has ended, or says nothing any more.
//!
//! containerd tells of ends that are none: it invents an exit when it cleans up after a shim that was killed and runc does not find the
//! container; it shows no process while a shim hangs; a record may be removed by hand. Nobody but the kernel knows, and it keeps the
//! processes of a container in the container's cgroup. The path of that comes from the caller: the record may be what is missing.

use super::{ObservedState, SignalOutcome, signal};
use crate::cgroup::{CgroupError, CgroupRoot};
use crate::connect::Containerd;
use crate::process::{is_becoming, is_contained, main_of, started};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

/// How long killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Containerd {
    /// Says what lives of a container that is said to have ended; `None` when it has. A main process that lives is not touched;
    /// what one has left behind is killed.
    pub async fn survivor(&self, cgroup: &str) -> Result<Option<ObservedState>, CgroupError> {
        let mut processes = CgroupRoot::host().processes(cgroup)?;
        // Those that have gone since they were listed say nothing: the runtime's init is the third process that it makes.
        processes.retain(|pid| started(*pid).is_some());
        if processes.is_empty() {
            // Not looked at again: a new process may be in the making by now.
            return Ok(None);
        }
        if processes.iter().any(|pid| is_becoming(*pid)) {
            return Ok(Some(ObservedState::Created));
        }
        match processes.into_iter().find(|pid| is_contained(*pid)) {
            Some(pid) => Ok(Some(ObservedState::Running { pid })),
            None => self.end(cgroup).await.map(|()| None),
        }
    }

    /// Sends a signal to the main process of a container that containerd passes none on to.
    ///
    /// One that was never started is left alone: its runtime's init would take the signal for itself. A real-time signal is not sent.
    pub async fn ask(&self, cgroup: &str, signal: &str) -> Result<SignalOutcome, CgroupError> {
        let processes = CgroupRoot::host().processes(cgroup)?;
        let main = main_of(&processes).filter(|main| !is_becoming(*main));
        let number = signal::number(signal).and_then(|number| i32::try_from(number).ok());
        let known = number.and_then(|number| Signal::try_from(number).ok());
        let Some((main, known)) = main.and_then(|main| i32::try_from(main).ok()).zip(known) else {
            return Ok(SignalOutcome::Gone);
        };
        tracing::warn!(
            cgroup,
            main,
            signal,
            "containerd passes no signal on to this container; the agent does"
        );
        Ok(match kill(Pid::from_raw(main), known) {
            Ok(()) => SignalOutcome::Delivered,
            Err(error) => {
                // Gone is what it was to become.
                if error != Errno::ESRCH {
                    tracing::warn!(cgroup, main, signal, %error, "the signal is not sent; the container will be killed");
                }
                SignalOutcome::Gone
            }
        })
    }

    /// Kills whatever is in the cgroup of a container, and waits until nothing is.
    pub async fn end(&self, cgroup: &str) -> Result<(), CgroupError> {
        let ended = CgroupRoot::host().end_processes(cgroup, PATIENCE).await?;
        if !ended.is_empty() {
            tracing::warn!(cgroup, processes = ?ended, "killed what was left in the cgroup of a container");
        }
        Ok(())
    }
}
