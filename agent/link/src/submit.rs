//! What became of a state change, and how long to wait before sending it again (spec 2.2, 2.5).
//!
//! Pure. The outbox in the agent decides what is sent when; it asks here.

use crate::api::CallError;
use crate::backoff::BackoffPolicy;
use crate::jitter::Jitter;
use std::time::Duration;
use wharf_protocol::json::JsonError;

/// What became of one state change.
#[derive(Debug)]
pub enum SubmitOutcome {
    /// The control plane took it.
    Accepted,
    /// The control plane will never take it: forget it. Carries the reason.
    Refused(String),
    /// It has to be sent again after [`submit_backoff`].
    Failed(CallError),
}

impl SubmitOutcome {
    /// Classifies the answer: a success with any body of JSON, or none, is one; only `InvalidParameterException` means "forget it";
    /// everything else is tried for ever. A success that is not JSON, such as the page of a captive portal, was not said by the control
    /// plane: to believe it would lose the state.
    pub fn of<T>(answer: Result<T, CallError>) -> Self {
        match answer {
            Ok(_) | Err(CallError::Unreadable { source: JsonError::Shape { .. }, .. }) => Self::Accepted,
            Err(error) if error.code() == Some("InvalidParameterException") => {
                Self::Refused(error.message().to_owned())
            }
            Err(error) => Self::Failed(error),
        }
    }
}

/// The wait after failure number `attempt` (counted from 0): 1 s growing to 30 s, with jitter.
pub fn submit_backoff(attempt: u32, jitter: &mut Jitter) -> Duration {
    BackoffPolicy::SUBMIT.delay(attempt, jitter)
}
