//! SWEEP: after a crash, removes what bears our name and belongs to nobody.

use std::collections::BTreeSet;

use crate::del::Failures;
use crate::fabric::{Fabric, WishError};
use crate::netlink::RouteSocket;
use crate::nft::masquerade;

/// What a sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Host interfaces, by name; each took its peer, addresses, routes and neighbours with it.
    pub interfaces: Vec<String>,
    /// Masqueraded addresses.
    pub masqueraded: usize,
    /// Whether the nftables table went, because nothing was left in it.
    pub table: bool,
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
    let mut swept = Swept { interfaces: sweep_interfaces(fabric, &kept, &mut failures), ..Swept::default() };
    let released = masquerade::release(fabric, |entry| kept.contains(&entry.interface));
    let released = failures.note(format!("nftables table {}", fabric.table), released);
    swept.masqueraded = released.entries;
    swept.table = released.table;
    if failures.0.is_empty() {
        Ok(swept)
    } else {
        Err(SweepError::Left { prefix: fabric.interface_prefix.clone(), failures, swept })
    }
}

fn sweep_interfaces(fabric: &Fabric, kept: &BTreeSet<String>, failures: &mut Failures) -> Vec<String> {
    let opened = RouteSocket::open().and_then(|mut routes| routes.links().map(|links| Some((routes, links))));
    let Some((mut routes, links)) = failures.note("the list of interfaces", opened) else {
        return Vec::new();
    };
    let mut removed = Vec::new();
    for link in
        links.into_iter().filter(|link| link.veth && fabric.owns(&link.name) && !kept.contains(&link.name))
    {
        let deleted = routes.delete_link(&link.name);
        if failures.note(format!("interface {}", link.name), deleted) {
            removed.push(link.name);
        }
    }
    removed
}
