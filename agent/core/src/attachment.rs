//! An interface that was announced ahead of its task. Source: spec 3.5 `AttachTaskNetworkInterfacesMessage`.
//!
//! It lives here until its task comes, which takes it over, or until it lapses; then it is released and forgotten.

use crate::spec::AttachmentSpec;
use crate::task::TaskNetwork;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// State of one interface that waits for its task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// When it lapses if no task came.
    pub expires_at: Timestamp,
    /// The network that is being made for the task.
    pub network: TaskNetwork,
}

impl Attachment {
    pub(crate) fn new(spec: AttachmentSpec) -> Self {
        Self { expires_at: spec.expires_at, network: TaskNetwork::new(Some(spec.interface)) }
    }

    /// Whether it has lapsed.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}
