//! `wharf-agent image`: images beside registries, for hosts without one.

use crate::config::Settings;
use std::path::Path;
use wharf_runtime::{ConnectError, Containerd, LoadError, RpcError};

/// Why images could not be loaded or listed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// containerd does not answer.
    #[error("cannot use containerd")]
    Connect(#[from] ConnectError),
    /// The archive could not be loaded.
    #[error("cannot load the archive")]
    Load(#[from] LoadError),
    /// containerd does not list its images.
    #[error("cannot list the images")]
    List(#[from] RpcError),
}

/// Loads every image of the archive; prints their names.
pub(super) async fn load(settings: &Settings, archive: &Path) -> Result<String, ImageError> {
    let names = connect(settings).await?.load(archive).await?;
    Ok(names.iter().map(|name| format!("{name}\n")).collect())
}

/// One image a line: name and digest.
pub(super) async fn list(settings: &Settings) -> Result<String, ImageError> {
    let images = connect(settings).await?.images().await?;
    let width = images.iter().map(|image| image.name.len()).max().unwrap_or(0);
    Ok(images.iter().map(|image| format!("{:width$}  {}\n", image.name, image.digest)).collect())
}

async fn connect(settings: &Settings) -> Result<Containerd, ConnectError> {
    Containerd::connect(&crate::agent::containerd(settings)).await
}
