//! Images: found in the store, loaded from a file, or pulled from a registry, and unpacked into snapshots.
//!
//! Owns what an image is here: a name in containerd's image store, a manifest for this machine, and a chain of unpacked
//! layers. What an image says of itself (its [`ImageConfig`]) is only passed on to the container; it decides nothing on the host.

mod content;
mod ensure;
mod error;
mod flight;
mod layout;
pub(crate) mod lease;
mod load;
mod manifest;
mod pull;
mod reference;
mod registry;
mod resolve;
mod store;
mod unpack;

pub use ensure::PullPolicy;
pub use error::{LoadError, PullError, RemoveImageError, Retry, StoreError};
#[doc(hidden)]
pub use layout::try_archive;
#[doc(hidden)]
pub use manifest::try_documents;
pub use reference::{ImageName, InvalidReference};
pub use registry::RegistryAuth;
pub use store::ListedImage;

pub(crate) use resolve::{ImageCache, ResolvedImage, by_name};

/// An image that is in the store and unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Name in the store: the full reference, e.g. `docker.io/library/busybox:latest`.
    pub name: String,
    /// Digest of what the name points at, as a registry would report it.
    pub digest: Option<String>,
    /// Digest of the image's configuration, which Docker calls the image id.
    pub config_digest: String,
    /// Name of the topmost unpacked layer.
    pub chain_id: String,
    /// What the image says about running it.
    pub config: ImageConfig,
    /// When the transfer began, in milliseconds since 1970; absent when none was needed.
    pub pull_started_at_ms: Option<i64>,
    /// When the transfer ended.
    pub pull_stopped_at_ms: Option<i64>,
}

/// What an image says about running it: defaults of the process, never of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// `NAME=value` lines.
    pub env: Vec<String>,
    /// First words of the command line.
    pub entrypoint: Vec<String>,
    /// Further words of the command line.
    pub cmd: Vec<String>,
    /// `uid`, `uid:gid`, `name` or `name:group`; empty is root.
    pub user: String,
    /// Directory the process starts in; empty is `/`.
    pub working_dir: String,
    /// Signal that asks the process to stop, e.g. `SIGQUIT`.
    pub stop_signal: Option<String>,
}
