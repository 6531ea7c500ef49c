//! SWEEP: after a crash, removes what bears our name and belongs to nobody; and mends the masquerading of what is kept.
//!
//! Reloading a firewall often flushes every nftables table, ours too. Which addresses to masquerade is read back from the host's routes.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::AddressFamily;

use crate::del::Failures;
use crate::fabric::{Fabric, WishError};
use crate::netlink::{Link, RequestError, Route, RouteSocket};
use crate::nft::{Nft, masquerade};

/// What a sweep removed, and what it mended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Host interfaces, by name; each took its peer, addresses, routes and neighbours with it.
    pub interfaces: Vec<String>,
    /// Masqueraded addresses.
    pub masqueraded: usize,
    /// Whether the nftables table went, because nothing was left in it.
    pub table: bool,
    /// Kept host interfaces whose masquerading was missing and is there again.
    pub mended: usize,
}

impl Swept {
    /// How many kernel objects were removed.
    pub fn count(&self) -> usize {
        self.interfaces.len() + self.masqueraded + usize::from(self.table)
    }
}

/// Why something nobody owns is still there.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The fabric's names cannot be the kernel's, so nothing was tried.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// Some parts are left; the others are gone.
    #[error("cannot sweep all of {prefix}*: {failures}")]
    Left {
        /// The fabric's interface prefix.
        prefix: String,
        /// What failed.
        failures: Failures,
        /// What was removed all the same.
        swept: Swept,
    },
}

/// Sweeps on the calling thread; see [`crate::sweep()`].
///
/// # Errors
/// [`SweepError`].
pub fn sweep(fabric: &Fabric, keep: &BTreeSet<String>) -> Result<Swept, SweepError> {
    fabric.validate()?;
    let kept: BTreeSet<String> = keep.iter().map(|id| fabric.host_interface(id)).collect();
    let mut failures = Failures::default();
    let listed = RouteSocket::open().and_then(|mut routes| routes.links());
    let links = failures.note("the list of interfaces", listed).into_iter();
    let ours = links.filter(|link| link.veth && fabric.owns(&link.name));
    let (staying, leaving): (Vec<_>, Vec<_>) = ours.partition(|link| kept.contains(&link.name));

    let interfaces = remove(leaving, &mut failures);
    let released = masquerade::release(fabric, |entry| kept.contains(&entry.interface));
    let released = failures.note(format!("nftables table {}", fabric.table), released);
    let mended =
        failures.note(format!("masquerading of nftables table {}", fabric.table), mend(fabric, &staying));
    let swept = Swept { interfaces, masqueraded: released.entries, table: released.table, mended };
    if failures.0.is_empty() {
        Ok(swept)
    } else {
        Err(SweepError::Left { prefix: fabric.interface_prefix.clone(), failures, swept })
    }
}

/// Removes links, and returns the names of those that were still there.
fn remove(links: Vec<Link>, failures: &mut Failures) -> Vec<String> {
    let mut removed = Vec::new();
    for Link { name, .. } in links {
        let deleted = RouteSocket::open().and_then(|mut routes| routes.delete_link(&name));
        if failures.note(format!("interface {name}"), deleted) {
            removed.push(name);
        }
    }
    removed
}

/// Masquerades again what the kept interfaces lead to, and counts the interfaces that lacked it.
fn mend(fabric: &Fabric, staying: &[Link]) -> Result<usize, RequestError> {
    if !fabric.masquerade || staying.is_empty() {
        return Ok(0);
    }
    let mut socket = RouteSocket::open()?;
    let routes = socket.routes(AddressFamily::Inet)?;
    let mut mended = 0;
    for link in staying {
        let addresses: Vec<Ipv4Addr> = routes.iter().filter_map(|route| behind(link, route)).collect();
        if !addresses.is_empty() && !masquerade::holds(&mut Nft::open()?, fabric, &link.name, &addresses)? {
            masquerade::hold(fabric, &link.name, &addresses)?;
            mended += 1;
            // A DEL may have ended between our look at the routes and now; its link is gone for good then.
            if socket.link(&link.name)?.is_none() {
                masquerade::release(fabric, |entry| entry.interface != link.name)?;
            }
        }
    }
    Ok(mended)
}

/// The task address that a route leads to by the link.
fn behind(link: &Link, route: &Route) -> Option<Ipv4Addr> {
    match route.destination {
        Some(IpAddr::V4(address)) if route.link == Some(link.index) && route.prefix == 32 && !route.local => {
            Some(address)
        }
        _ => None,
    }
}
