//! Netlink, spoken synchronously: `socket` is the transport for both families; `link`, `address` and `route` are one function per request.
//!
//! Writes are of the replacing kind where the kernel has one, so that doing it twice is doing it once.
//!
//! A socket belongs to the network namespace of the thread that opened it, wherever it is used later.

mod address;
mod link;
mod route;
mod socket;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DecodeError, Emitable, Parseable};
use netlink_packet_route::AddressFamily;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

pub use address::Reach;
pub(crate) use link::{LOOPBACK, Link, NewPair};
pub(crate) use route::Route;
pub(crate) use socket::Socket;

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

/// A socket for links, addresses and routes, bound to the namespace of the thread that opened it.
pub(crate) struct RouteSocket(Socket);

impl RouteSocket {
    pub(crate) fn open() -> Result<Self, RequestError> {
        Socket::open(NETLINK_ROUTE).map(Self)
    }
}

pub(crate) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// The prefix length that means one address.
pub(crate) fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS as u8,
        IpAddr::V6(_) => Ipv6Addr::BITS as u8,
    }
}

fn emit(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

fn decode<M: Parseable<[u8]>>(bytes: &[u8]) -> Result<M, RequestError> {
    M::parse(bytes).map_err(|error: DecodeError| RequestError::Garbled(error.to_string()))
}
