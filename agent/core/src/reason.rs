//! Why something stopped or failed: a closed list of codes, each with ECS's name. Source: features 7.8.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal),+ $(,)?) => {
        /// A cause, from a closed list. The texts are ECS's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode { $($(#[$doc])* $name),+ }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// ECS's name of the cause, as reported to the control plane.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }
        }
    };
}

codes! {
    /// The payload's task could not be understood (the misspelling is ECS's).
    UnrecognizedTask = "UnrecogniedTaskError",
    /// The dependencies name an unknown container or form a circle.
    TaskDependency = "TaskDependencyError",
    /// The image could not be pulled.
    CannotPullContainer = "CannotPullContainerError",
    /// The manifest could not be fetched.
    CannotPullImageManifest = "CannotPullImageManifestError",
    /// The registry refused our credentials.
    CannotPullContainerAuth = "CannotPullContainerAuthError",
    /// The container could not be created.
    CannotCreateContainer = "CannotCreateContainerError",
    /// The process could not be started.
    CannotStartContainer = "CannotStartContainerError",
    /// The container does not stop.
    CannotStopContainer = "CannotStopContainerError",
    /// The container could not be removed.
    CannotRemoveContainer = "CannotRemoveContainerError",
    /// The kernel killed the container for memory.
    OutOfMemory = "OutOfMemoryError",
    /// The network of the task could not be made.
    ContainerNetworking = "ContainerNetworkingError",
    /// Something the task needs could not be prepared.
    ResourceInitialization = "ResourceInitializationError",
    /// A field of the host configuration cannot be honoured.
    HostConfig = "HostConfigError",
    /// A field of the container configuration cannot be honoured.
    DockerClientConfig = "DockerClientConfigError",
    /// The container is gone and nobody saw it end.
    ContainerVanished = "ContainerVanishedError",
    /// A wait ran out.
    Timeout = "DockerTimeoutError",
    /// The task was stopped before its first pull.
    TaskStoppedBeforePullBegin = "TaskStoppedBeforePullBeginError",
    /// The host does not have what the task asks for and never will.
    Unplaceable = "ResourceNotAvailableError",
}

/// A cause with its detail; prints as `Name: detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The cause.
    pub code: ReasonCode,
    /// What failed, on which object, why.
    pub detail: String,
}

impl Reason {
    /// A cause with its detail.
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}
