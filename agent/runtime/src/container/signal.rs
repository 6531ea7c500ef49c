//! Signals to the main process of a container.

use super::hung;
use crate::connect::Containerd;
use crate::presence::Absence;
use crate::rpc::{self, QUICK, RpcError};
use containerd_client::services::v1::KillRequest;
use nix::libc::SIGKILL;
use nix::sys::signal::Signal;

/// Numbers of the first and last real-time signal as glibc counts them.
const RTMIN: u32 = 34;
const RTMAX: u32 = 64;

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalOutcome {
    /// The process got it.
    Delivered,
    /// There is no process any more.
    Gone,
}

/// Why a signal was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// No such signal.
    #[error("{signal:?} is no signal")]
    Unknown {
        /// What was asked for.
        signal: String,
    },
    /// containerd was not there. The signal may have been sent.
    #[error("container {id} cannot be sent signal {signal} now")]
    Away {
        /// Id of the container.
        id: String,
        /// What was asked for.
        signal: String,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// containerd did not do its part.
    #[error("container {id} cannot be sent signal {signal}")]
    Rpc {
        /// Id of the container.
        id: String,
        /// What was asked for.
        signal: String,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

impl Containerd {
    /// Sends a signal, by name (`SIGTERM`, `TERM`, `SIGRTMIN+3`) or number, to the main process.
    ///
    /// A shim that does not answer to SIGKILL is killed itself: nothing else would ever end its processes.
    pub async fn signal(&self, id: &str, signal: &str) -> Result<SignalOutcome, SignalError> {
        let number = number(signal).ok_or_else(|| SignalError::Unknown { signal: signal.to_owned() })?;
        let away = |source| SignalError::Away { id: id.to_owned(), signal: signal.to_owned(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let request = KillRequest { container_id: id.to_owned(), signal: number, ..KillRequest::default() };
        let source = match rpc::call("Tasks.Kill", QUICK, self.shared.tasks_client().kill(request)).await {
            Ok(()) => return Ok(SignalOutcome::Delivered),
            Err(error) if is_gone(&error) => return Ok(SignalOutcome::Gone),
            Err(error) => error,
        };
        if number == SIGKILL.cast_unsigned()
            && let Ok(group) = self.shared.group_of(id).await
        {
            hung::break_if_silent(&self.shared, id, group.as_deref().unwrap_or(id), &source).await;
        }
        let absence = self.shared.absence(witness, Some(&source)).await;
        let failed = SignalError::Rpc { id: id.to_owned(), signal: signal.to_owned(), source };
        Err(absence.map_or(failed, away))
    }
}

/// True for the ways in which containerd says that there is no process to signal.
pub(super) fn is_gone(error: &RpcError) -> bool {
    error.is_not_found() || error.message().contains("process already finished")
}

pub(super) fn number(signal: &str) -> Option<u32> {
    let upper = signal.trim().to_ascii_uppercase();
    if let Ok(number) = upper.parse::<u32>() {
        return (1..=RTMAX).contains(&number).then_some(number);
    }
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(offset) => offset.parse::<u32>().ok(),
        None => rest.is_empty().then_some(0),
    };
    let number = match (short.strip_prefix("RTMIN"), short.strip_prefix("RTMAX")) {
        (Some(rest), _) => RTMIN.checked_add(offset(rest, '+')?)?,
        (_, Some(rest)) => RTMAX.checked_sub(offset(rest, '-')?)?,
        (None, None) => format!("SIG{short}").parse::<Signal>().ok()? as u32,
    };
    (1..=RTMAX).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_name_number_and_distance() {
        for (written, expected) in [
            ("SIGTERM", Some(15)),
            ("term", Some(15)),
            ("9", Some(9)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMIN", Some(34)),
            ("SIGRTMAX-1", Some(63)),
            ("SIGQUIT ", Some(3)),
            ("0", None),
            ("65", None),
            ("SIGRTMIN+31", None),
            ("SIGNOTHING", None),
            ("", None),
        ] {
            assert_eq!(number(written), expected, "{written}");
        }
    }
}
