//! From errors of the runtime to reason codes: the one place that says which failure of the edge has which name.

use wharf_core::reason::ReasonCode;
use wharf_runtime::{PullError, StoreError};

/// The code of an image that is not there to run.
pub fn pull(error: &PullError) -> ReasonCode {
    match error {
        PullError::Unauthorized { .. } => ReasonCode::CannotPullContainerAuth,
        PullError::Timeout { .. } => ReasonCode::Timeout,
        PullError::Refused { .. } => ReasonCode::ImageQuarantined,
        PullError::DigestMismatch { .. } => ReasonCode::CannotPullImageManifest,
        PullError::Store { source, .. } => match **source {
            StoreError::NoSpace { .. } => ReasonCode::DiskFull,
            StoreError::Document { .. }
            | StoreError::NoPlatform { .. }
            | StoreError::UnsupportedMedia { .. }
            | StoreError::LayersDoNotMatch { .. }
            | StoreError::DiffIdMismatch { .. } => ReasonCode::CannotPullImageManifest,
            StoreError::Rpc(_) => ReasonCode::CannotPullContainer,
        },
        PullError::Invalid(_)
        | PullError::NotInStore { .. }
        | PullError::NotFound { .. }
        | PullError::RateLimited { .. }
        | PullError::Unreachable { .. }
        | PullError::Registry { .. }
        | PullError::Away { .. }
        | PullError::Abandoned { .. } => ReasonCode::CannotPullContainer,
    }
}

/// This code, unless the words say that a disk is full: containerd and runc tell that in no other way.
pub fn unless_full(text: &str, code: ReasonCode) -> ReasonCode {
    let full = text.contains("no space left on device") || text.contains("No space left on device");
    if full { ReasonCode::DiskFull } else { code }
}
