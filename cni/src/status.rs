//! STATUS: whether this host can connect tasks at all, found out without changing anything.

use std::fs::OpenOptions;

use crate::fabric::{Fabric, WishError};
use crate::forwarding::{self, Family};
use crate::netlink::{RequestError, RouteSocket};
use crate::nft::Nft;

/// Why an ADD would fail, whatever it asked for.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The fabric's names cannot be the kernel's.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// Links cannot be listed.
    #[error("cannot speak route netlink")]
    Routes(#[source] RequestError),
    /// nftables is missing or not permitted.
    #[error("cannot use nftables (is CAP_NET_ADMIN or the kernel's nf_tables missing?)")]
    Nftables(#[source] RequestError),
    /// Forwarding is off and cannot be switched on.
    #[error("IPv4 forwarding is off and cannot be switched on")]
    Forwarding(#[source] std::io::Error),
}

/// Says whether the host can connect tasks.
///
/// # Errors
/// [`StatusError`] names what is missing.
pub fn status(fabric: &Fabric) -> Result<(), StatusError> {
    fabric.validate()?;
    RouteSocket::open().and_then(|mut routes| routes.links()).map_err(StatusError::Routes)?;
    if fabric.masquerade {
        Nft::open().and_then(|mut nft| nft.generation()).map_err(StatusError::Nftables)?;
    }
    if !forwarding::is_on(Family::V4) {
        OpenOptions::new().write(true).open(Family::V4.switch()).map_err(StatusError::Forwarding)?;
    }
    Ok(())
}
