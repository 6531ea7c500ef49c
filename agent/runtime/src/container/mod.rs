//! Containers: created, started, given a new process, signalled, listed, deleted.
//!
//! Owns the steps in containerd that one of these verbs takes, and that each may be repeated: creating what exists adopts
//! it, deleting what is missing is success. Refuses order between containers, when one is started again, and any notion of a task beyond the
//! shim group and the cgroup path it is given.
//!
//! ```text
//!                           +------------------renew----------------+
//!                           v                                       |
//! (nothing) --create--> Created --start--> Running --process ends--> Exited
//!     ^                    |                  |                        |
//!     +------delete--------+------------------+------------------------+
//! ```

mod create;
mod delete;
mod forsaken;
mod hung;
mod list;
mod log;
mod make;
mod record;
mod renew;
mod request;
mod signal;
mod stale;
mod start;
mod survivor;

pub use create::CreateError;
pub use delete::DeleteError;
pub use list::{InspectError, ListError, ObservedContainer, ObservedState};
pub use log::LogTarget;
pub use renew::{RenewContainer, RenewError};
pub use request::{
    CreateContainer, Device, Environment, Mount, NetworkNamespace, ProcessOptions, Resources, Ulimit,
};
pub use signal::{SignalError, SignalOutcome};
pub use start::{StartError, Started};

/// Label that remembers the shim group of a container, so that deleting it waits its turn.
pub(crate) const SHIM_GROUP_LABEL: &str = "io.wharf.shim-group";

/// Extension of a container's record that holds its inscription.
pub(crate) const INSCRIPTION: &str = "io.wharf.inscription";

/// Extension of a container's record that says how often it was started again.
pub(crate) const RESTARTS: &str = "io.wharf.restarts";

/// How a container's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    /// Exit code; 128 and the signal's number for a process that a signal ended.
    pub code: i32,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

impl ExitStatus {
    pub(crate) fn new(code: u32, at: Option<prost_types::Timestamp>) -> Self {
        let at_ms = crate::time::from_proto(at).unwrap_or_else(crate::time::now_ms);
        Self { code: i32::try_from(code).unwrap_or(255), at_ms }
    }
}
