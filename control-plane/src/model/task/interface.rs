//! The network interface of an awsvpc task, as the control plane assigned it.

use super::super::time::Time;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Status of the attachment, in the only order it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AttachmentStatus {
    /// Assigned; the agent does not know of it yet.
    Precreated,
    /// The agent was told to attach it.
    Attaching,
    /// The agent reported it attached.
    Attached,
    /// The task is over and the address given back.
    Deleted,
}

impl AttachmentStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Precreated => "PRECREATED",
            Self::Attaching => "ATTACHING",
            Self::Attached => "ATTACHED",
            Self::Deleted => "DELETED",
        }
    }
}

/// An interface and its attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Id of the attachment; the last part of its ARN.
    pub attachment: String,
    /// How far the attachment is.
    pub status: AttachmentStatus,
    /// Until when the agent has to attach it; counts from when it was told in its present session. Not saved.
    #[serde(skip)]
    pub deadline: Option<Time>,
    /// The subnet's name.
    pub subnet: String,
    /// `eni-…`.
    pub eni: String,
    /// MAC.
    pub mac: String,
    /// The task's address.
    pub address: Ipv4Addr,
    /// The subnet's gateway.
    pub gateway: Ipv4Addr,
    /// Length of the subnet's prefix.
    pub prefix_len: u8,
}
