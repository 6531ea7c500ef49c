//! Whether a container whose process has ended is started again in place, and what is remembered of its restarts.
//! Source: features 7.6.
//!
//! Pure and about one process: what the task wants is `settle`'s to ask, and a process that was asked to stop is never judged.

use crate::event::Exit;
use crate::record::{self, RestoreError};
use crate::spec::RestartPolicy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What is remembered of a container that was started again at least once. It is kept in the task's record, and on the
/// container itself for an agent that has lost its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarts {
    /// How often it was started again.
    pub count: u32,
    /// When its first process started.
    pub first_start: Timestamp,
    /// How the process before the present one ended: the same exit told once more is no news.
    pub last_exit: Exit,
}

impl Restarts {
    /// The bytes to give to the runtime.
    pub fn encode(&self) -> Vec<u8> {
        record::encode(self)
    }

    /// Reads what the runtime gave back.
    ///
    /// # Errors
    /// When it is not of this form, or of a newer one.
    pub fn decode(bytes: &[u8]) -> Result<Self, RestoreError> {
        record::read_inscription(bytes)
    }
}

/// Why a container with a restart policy was not started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotAgain {
    /// Its policy ignores the exit code.
    Ignored,
    /// It ran for less than its policy's period.
    TooSoon {
        /// How long it ran.
        ran: Duration,
        /// How long it should have.
        period: Duration,
    },
}

impl fmt::Display for NotAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored => write!(f, "its restart policy ignores this code"),
            Self::TooSoon { ran, period } => {
                let (ran, period) = (ran.as_secs_f32(), period.as_secs_f32());
                write!(f, "it ran {ran} s of the {period} s after which its restart policy starts it again")
            }
        }
    }
}

/// Whether a process that ran so long and ended with this code is followed by another.
pub(crate) fn verdict(policy: &RestartPolicy, ran: Duration, code: i32) -> Result<(), NotAgain> {
    if policy.ignored_exit_codes.contains(&code) {
        Err(NotAgain::Ignored)
    } else if ran < policy.period {
        Err(NotAgain::TooSoon { ran, period: policy.period })
    } else {
        Ok(())
    }
}
