//! The listening socket that the agent has inside a task's namespace.
//!
//! The address is on the namespace's own `lo`; port 80 of it leads to a high port, so applications keep port 80 of every other address. The
//! socket itself says which task is calling. Packets to the address from outside the namespace are dropped.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::blocking;
use crate::failpoint::failpoint;
use crate::netlink::{LOOPBACK, Reach, RequestError, RouteSocket};
use crate::netns;
use crate::nft::{Chain, Expression, Hook, Nft};

/// The table inside the task's namespace; family `ip`.
const TABLE: &str = "wharf";
/// Runs after the namespace's own connection tracking, where destinations are rewritten.
const REDIRECT: Chain = Chain { name: "output", kind: "nat", hook: Hook::Output, priority: -100 };
const GUARD: Chain = Chain { name: "input", kind: "filter", hook: Hook::Input, priority: 0 };
/// The port that tasks ask.
const PUBLIC_PORT: u16 = 80;
const TCP: u8 = 6;

/// Why a task has no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The task's namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] netns::RunError),
    /// `lo` or the address on it could not be set.
    #[error("cannot put {address} on lo of {namespace}")]
    Address {
        /// The endpoint's address.
        address: Ipv4Addr,
        /// The namespace's path.
        namespace: PathBuf,
        /// What the kernel said.
        source: RequestError,
    },
    /// The redirection of port 80 could not be made.
    #[error("cannot lead port 80 of {address} to port {port} in {namespace}")]
    Redirect {
        /// The endpoint's address.
        address: Ipv4Addr,
        /// The high port.
        port: u16,
        /// The namespace's path.
        namespace: PathBuf,
        /// What the kernel said.
        source: RequestError,
    },
    /// The socket could not be opened; a port in use means that another agent serves this task.
    #[error("cannot listen on {address}:{port} in {namespace}")]
    Listen {
        /// The endpoint's address.
        address: Ipv4Addr,
        /// The high port.
        port: u16,
        /// The namespace's path.
        namespace: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Opens the endpoint of the task in `namespace`: requests to `address`:80 there arrive at the returned listener, which is bound to `port`.
///
/// The listener is non-blocking, ready for `tokio::net::TcpListener::from_std`. Opening again after a crash is fine.
///
/// # Errors
/// [`OpenError`].
pub async fn open(namespace: &Path, address: Ipv4Addr, port: u16) -> Result<TcpListener, OpenError> {
    let namespace = namespace.to_owned();
    blocking::run(move || netns::run(&namespace, || open_inside(&namespace, address, port))?).await
}

fn open_inside(namespace: &Path, address: Ipv4Addr, port: u16) -> Result<TcpListener, OpenError> {
    let namespace = || namespace.to_owned();
    set_address(address).map_err(|source| OpenError::Address { address, namespace: namespace(), source })?;
    let listen = || {
        let listener = TcpListener::bind(SocketAddr::from((address, port)))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    // Listen first: who finds the port taken must not redirect anything.
    let listener =
        listen().map_err(|source| OpenError::Listen { address, port, namespace: namespace(), source })?;
    failpoint!("network.endpoint-listens");
    redirect(address, port).map_err(|source| OpenError::Redirect {
        address,
        port,
        namespace: namespace(),
        source,
    })?;
    Ok(listener)
}

fn set_address(address: Ipv4Addr) -> Result<(), RequestError> {
    let mut routes = RouteSocket::open()?;
    routes.set_up(LOOPBACK)?;
    routes.set_address(LOOPBACK, IpAddr::V4(address), Reach::Host)
}

/// Writes the table anew in one transaction, so that a changed port leaves no old rule.
fn redirect(address: Ipv4Addr, port: u16) -> Result<(), RequestError> {
    let mut nft = Nft::open()?;
    let mut batch = nft.begin(TABLE, None);
    batch.ensure_table();
    let octets = address.octets();
    batch.ensure_empty_chain(REDIRECT);
    batch.append_rule(
        REDIRECT,
        &[
            Expression::DestinationAddress,
            Expression::Is(&octets),
            Expression::Protocol,
            Expression::Is(&[TCP]),
            Expression::DestinationPort,
            Expression::Is(&PUBLIC_PORT.to_be_bytes()),
            Expression::ToPort(port),
        ],
    );
    batch.ensure_empty_chain(GUARD);
    batch.append_rule(
        GUARD,
        &[
            Expression::InputIndex,
            Expression::IsNot(&LOOPBACK.to_ne_bytes()),
            Expression::DestinationAddress,
            Expression::Is(&octets),
            Expression::Drop,
        ],
    );
    nft.commit(batch)
}
