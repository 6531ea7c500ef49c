//! What an operator can choose about containerd and about pulls.

use std::path::PathBuf;
use std::time::Duration;

/// Which containerd to use, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerdConfig {
    /// Path of the gRPC socket.
    pub address: PathBuf,
    /// containerd namespace that holds everything of ours.
    pub namespace: String,
    /// Snapshotter that holds root file systems.
    pub snapshotter: String,
    /// Runtime that runs containers.
    pub runtime: String,
    /// Boot-scoped directory for the pipes of probes; made when missing.
    pub run_dir: PathBuf,
    /// Limits and exceptions of image pulls.
    pub pull: PullSettings,
}

impl Default for ContainerdConfig {
    fn default() -> Self {
        Self {
            address: PathBuf::from("/run/containerd/containerd.sock"),
            namespace: "wharf".to_owned(),
            snapshotter: "overlayfs".to_owned(),
            runtime: "io.containerd.runc.v2".to_owned(),
            run_dir: PathBuf::from("/run/wharf"),
            pull: PullSettings::default(),
        }
    }
}

/// Limits and exceptions of image pulls. Source: features 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullSettings {
    /// A transfer that brings no byte for this long is broken off and tried again.
    pub inactivity: Duration,
    /// Longest time for one pull, retries included.
    pub total: Duration,
    /// Layers of one image that are fetched at the same time.
    pub parallel_layers: usize,
    /// Attempts for one request or blob before the pull fails.
    pub attempts: u32,
    /// Registries (`host` or `host:port`) spoken to in plain HTTP. Loopback registries always are.
    pub insecure_registries: Vec<String>,
}

impl Default for PullSettings {
    fn default() -> Self {
        Self {
            inactivity: Duration::from_secs(60),
            total: Duration::from_secs(2 * 60 * 60),
            parallel_layers: 3,
            attempts: 5,
            insecure_registries: Vec::new(),
        }
    }
}
