//! Netlink, spoken synchronously: [`socket`] is the transport for both families, [`route`] has the links, addresses, routes and neighbours.
//!
//! A socket belongs to the network namespace of the thread that opened it, wherever it is used later.

pub(crate) mod route;
mod socket;

pub(crate) use socket::Socket;

use nix::errno::Errno;

/// Why a request to the kernel failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The kernel understood and said no.
    #[error("{errno}{}", explanation.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The kernel's error.
        errno: Errno,
        /// The kernel's own words, where it had any.
        explanation: Option<String>,
    },
    /// The socket failed, or the kernel did not answer in time.
    #[error("netlink socket failed")]
    Socket(#[source] std::io::Error),
    /// The answer could not be read.
    #[error("the kernel's answer is garbled: {0}")]
    Garbled(String),
}

impl RequestError {
    /// The kernel's error, where the kernel said no.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Socket(_) | Self::Garbled(_) => None,
        }
    }
}
