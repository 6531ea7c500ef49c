//! What can go wrong with images, one enum per operation, each saying whether trying again can help.

use super::reference::InvalidReference;
use crate::presence::Absence;
use crate::rpc::RpcError;
use std::path::PathBuf;
use std::time::Duration;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail the same way.
    Never,
    /// The cause may pass.
    Backoff,
}

/// The store, or an image in it, is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// containerd did not do its part.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A document of the image is not what it should be.
    #[error("document {digest} of the image cannot be read")]
    Document {
        /// Digest of the document.
        digest: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The image is for other machines.
    #[error("image {digest} has nothing for linux/{}", super::manifest::host_architecture())]
    NoPlatform {
        /// Digest of the index or manifest.
        digest: String,
    },
    /// A layer is in a form that cannot be unpacked, or the thing is no image.
    #[error("media type {media_type:?} is not supported")]
    UnsupportedMedia {
        /// The media type.
        media_type: String,
    },
    /// Manifest and configuration disagree.
    #[error("manifest {digest} and its configuration disagree on the number of layers")]
    LayersDoNotMatch {
        /// Digest of the manifest.
        digest: String,
    },
    /// A layer does not unpack to what the configuration promises.
    #[error("layer {layer} unpacks to {actual}, not to {expected}")]
    DiffIdMismatch {
        /// Digest of the layer.
        layer: String,
        /// What the configuration promises.
        expected: String,
        /// What came out.
        actual: String,
    },
    /// The disk is full.
    #[error("no space left for images on containerd's disk")]
    NoSpace {
        /// The call that found out.
        #[source]
        source: RpcError,
    },
}

impl StoreError {
    /// Tells a full disk from other failures: containerd says so only in words.
    pub(super) fn from_write(error: RpcError) -> Self {
        let message = error.message();
        if message.contains("no space left on device") || message.contains("disk quota exceeded") {
            Self::NoSpace { source: error }
        } else {
            Self::Rpc(error)
        }
    }

    /// The call behind it, where it was one that failed.
    pub(crate) fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(source) | Self::NoSpace { source } => Some(source),
            Self::Document { .. }
            | Self::NoPlatform { .. }
            | Self::UnsupportedMedia { .. }
            | Self::LayersDoNotMatch { .. }
            | Self::DiffIdMismatch { .. } => None,
        }
    }

    /// Tells whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Rpc(error) if error.is_transient() => Retry::Backoff,
            Self::NoSpace { .. } => Retry::Backoff,
            Self::Rpc(_)
            | Self::Document { .. }
            | Self::NoPlatform { .. }
            | Self::UnsupportedMedia { .. }
            | Self::LayersDoNotMatch { .. }
            | Self::DiffIdMismatch { .. } => Retry::Never,
        }
    }
}

/// Why an image is not there to run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PullError {
    /// The reference is none.
    #[error("invalid image reference")]
    Invalid(#[from] InvalidReference),
    /// The policy forbids pulling and the store does not have it.
    #[error("image {image} is not in the store and may not be pulled")]
    NotInStore {
        /// Full name.
        image: String,
    },
    /// The registry does not know it.
    #[error("image {image} does not exist in its registry: {detail}")]
    NotFound {
        /// Full name.
        image: String,
        /// The registry's words.
        detail: String,
    },
    /// The registry does not let us.
    #[error("access to image {image} is denied: {detail}")]
    Unauthorized {
        /// Full name.
        image: String,
        /// The registry's words.
        detail: String,
    },
    /// The registry asks to come back later.
    #[error("registry limits requests for image {image}: {detail}")]
    RateLimited {
        /// Full name.
        image: String,
        /// The registry's words.
        detail: String,
    },
    /// No connection, or one that broke every time.
    #[error("cannot reach the registry for image {image}: {detail}")]
    Unreachable {
        /// Full name.
        image: String,
        /// The transport's words.
        detail: String,
    },
    /// The registry answers with errors of its own.
    #[error("registry failed for image {image}: {detail}")]
    Registry {
        /// Full name.
        image: String,
        /// The registry's words.
        detail: String,
    },
    /// The time was up.
    #[error("pulling image {image} did not end within {} s", .after.as_secs_f32())]
    Timeout {
        /// Full name.
        image: String,
        /// How long we tried.
        after: Duration,
    },
    /// What arrived is not what was promised.
    #[error("content of image {image} does not match its digest: {detail}")]
    DigestMismatch {
        /// Full name.
        image: String,
        /// Which digest.
        detail: String,
    },
    /// The store, or the image itself.
    #[error("image {image} cannot be stored")]
    Store {
        /// Full name.
        image: String,
        /// Digest of what the name points at, once that was known: before, nothing of the image has reached containerd.
        digest: Option<String>,
        /// What is wrong.
        // Shared, because everyone who waits for one pull gets the same error.
        #[source]
        source: std::sync::Arc<StoreError>,
    },
    /// containerd was not there.
    #[error("image {image} cannot be had now")]
    Away {
        /// Full name.
        image: String,
        /// Digest of what the name points at, where it was known by then.
        digest: Option<String>,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// The name points at what the caller does not want.
    #[error("image {image} is {digest}, which is not to be used")]
    Refused {
        /// Full name.
        image: String,
        /// Digest of what it points at.
        digest: String,
    },
    /// The pull was given up because the connection to containerd is being closed.
    #[error("pulling image {image} was broken off")]
    Abandoned {
        /// Full name.
        image: String,
    },
}

impl PullError {
    /// Tells whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Invalid(_)
            | Self::NotInStore { .. }
            | Self::NotFound { .. }
            | Self::Unauthorized { .. }
            | Self::Refused { .. } => Retry::Never,
            Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Registry { .. }
            | Self::Timeout { .. }
            | Self::DigestMismatch { .. }
            | Self::Away { .. }
            | Self::Abandoned { .. } => Retry::Backoff,
            Self::Store { source, .. } => source.retry(),
        }
    }

    /// The call behind it, where it was one that failed.
    pub(super) fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Store { source, .. } => source.rpc(),
            Self::Invalid(_)
            | Self::NotInStore { .. }
            | Self::NotFound { .. }
            | Self::Unauthorized { .. }
            | Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Registry { .. }
            | Self::Timeout { .. }
            | Self::DigestMismatch { .. }
            | Self::Away { .. }
            | Self::Refused { .. }
            | Self::Abandoned { .. } => None,
        }
    }

    /// What the image was found to be before containerd failed with it.
    pub(super) fn digest(&self) -> Option<&str> {
        match self {
            Self::Store { digest, .. } | Self::Away { digest, .. } => digest.as_deref(),
            Self::Refused { digest, .. } => Some(digest),
            Self::Invalid(_)
            | Self::NotInStore { .. }
            | Self::NotFound { .. }
            | Self::Unauthorized { .. }
            | Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Registry { .. }
            | Self::Timeout { .. }
            | Self::DigestMismatch { .. }
            | Self::Abandoned { .. } => None,
        }
    }

    /// The same, of an image that was found to be this.
    pub(super) fn about(self, target: &str) -> Self {
        match self {
            Self::Store { image, digest: None, source } => {
                Self::Store { image, digest: Some(target.to_owned()), source }
            }
            other => other,
        }
    }

    pub(super) fn store(image: &impl ToString, source: impl Into<StoreError>) -> Self {
        Self::Store { image: image.to_string(), digest: None, source: std::sync::Arc::new(source.into()) }
    }
}

/// Why a file of images was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The file is no OCI image layout and no `docker save` archive.
    #[error("{path} is neither an OCI image layout nor a docker archive: {missing} is missing")]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        missing: String,
    },
    /// An image in the file bears no name.
    #[error("an image in {path} has no name: annotate it with io.containerd.image.name")]
    Unnamed {
        /// The file.
        path: PathBuf,
    },
    /// An image in the file bears a name that is none.
    #[error("an image in {path} has a wrong name")]
    Name {
        /// The file.
        path: PathBuf,
        /// The name.
        #[source]
        source: InvalidReference,
    },
    /// The store, or the image itself.
    #[error("images of {path} cannot be stored")]
    Store {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: StoreError,
    },
}

/// Why an image was not removed.
#[derive(Debug, thiserror::Error)]
#[error("image {image} cannot be removed")]
pub struct RemoveImageError {
    /// Name of the image.
    pub image: String,
    /// The call that failed.
    #[source]
    pub source: RpcError,
}
