//! From errors of the runtime to reason codes: the one place that says which failure of the edge has which name.

use crate::causes::chain;
use wharf_core::reason::ReasonCode;
use wharf_runtime::{CreateError, PullError, StoreError};

/// The code of an image that is not there to run.
pub fn pull(error: &PullError) -> ReasonCode {
    match error {
        PullError::Unauthorized { .. } => ReasonCode::CannotPullContainerAuth,
        PullError::Timeout { .. } => ReasonCode::Timeout,
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
        | PullError::Abandoned { .. } => ReasonCode::CannotPullContainer,
    }
}

/// The code of a container that was not created. containerd and runc tell a full disk only in words.
pub fn create(error: &CreateError) -> ReasonCode {
    let text = chain(error);
    let full = text.contains("no space left on device") || text.contains("No space left on device");
    if full { ReasonCode::DiskFull } else { ReasonCode::CannotCreateContainer }
}
