//! What has passed through a task's interfaces, for telemetry.

use std::path::{Path, PathBuf};

use crate::blocking;
use crate::netlink::{LOOPBACK, Link, RequestError, RouteSocket};
use crate::netns;

/// The totals of one interface since it was made, seen from the task: received is what came to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// The interface's name inside the namespace.
    pub name: String,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets received and dropped.
    pub rx_dropped: u64,
    /// Packets received with an error.
    pub rx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets dropped on the way out.
    pub tx_dropped: u64,
    /// Packets that could not be sent.
    pub tx_errors: u64,
}

/// Why the counters could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The task's namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] netns::RunError),
    /// The kernel did not tell.
    #[error("cannot read the counters of {namespace}")]
    Kernel {
        /// The namespace's path.
        namespace: PathBuf,
        /// What the kernel said.
        source: RequestError,
    },
}

/// Reads the counters of every interface in `namespace` but the loopback.
///
/// # Errors
/// [`ReadError`].
pub async fn read(namespace: &Path) -> Result<Vec<InterfaceCounters>, ReadError> {
    let namespace = namespace.to_owned();
    blocking::run(move || {
        let links = netns::run(&namespace, || RouteSocket::open()?.links())?;
        let links = links.map_err(|source| ReadError::Kernel { namespace, source })?;
        Ok(links.into_iter().filter(|link| link.index != LOOPBACK).map(InterfaceCounters::from).collect())
    })
    .await
}

impl From<Link> for InterfaceCounters {
    fn from(link: Link) -> Self {
        let Some(totals) = link.counters else { return Self { name: link.name, ..Self::default() } };
        Self {
            name: link.name,
            rx_bytes: totals.rx_bytes,
            rx_packets: totals.rx_packets,
            rx_dropped: totals.rx_dropped,
            rx_errors: totals.rx_errors,
            tx_bytes: totals.tx_bytes,
            tx_packets: totals.tx_packets,
            tx_dropped: totals.tx_dropped,
            tx_errors: totals.tx_errors,
        }
    }
}
