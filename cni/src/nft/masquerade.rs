//! The host's table: a set of task addresses, and one rule that masquerades what comes from them and leaves by an interface that is not ours.
//!
//! ```text
//! table ip wharf {
//!     set tasks { type ipv4_addr; elements = { 10.0.0.5 comment "wh0123456789ab" } }
//!     chain postrouting { type nat hook postrouting priority 100; ip saddr @tasks oifname != "wh*" masquerade }
//! }
//! ```
//!
//! A set, not a mark or `iifname`: the name of the incoming interface is missing in postrouting before Linux 5.7, and marks belong to whoever
//! else runs on the host. The comment of an element names the host interface, so that a task's entries are found without knowing its addresses.
//!
//! Many processes may change the table at once. Every change is planned on a generation of the ruleset and refused by the kernel if that
//! is no longer the current one; then it is planned again. So the table exists exactly while an address is in it, without any lock.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{Batch, Chain, Expression, Hook, Nft, is_stale};
use crate::fabric::Fabric;
use crate::netlink::RequestError;

const SET: &str = "tasks";
const CHAIN: Chain = Chain { name: "postrouting", kind: "nat", hook: Hook::Postrouting, priority: 100 };
/// How long changes are planned again when others keep changing the ruleset.
const PATIENCE: Duration = Duration::from_secs(10);

/// A task address that is masqueraded, and the host interface it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The task's address.
    pub address: Ipv4Addr,
    /// The host's end of the task's pair.
    pub interface: String,
}

/// What [`release`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Released {
    /// Addresses taken out of the set.
    pub entries: usize,
    /// Whether the table itself went, because nothing was left in it.
    pub table: bool,
}

/// What has to happen to the set.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    remove: Vec<Ipv4Addr>,
    add: Vec<Ipv4Addr>,
}

/// The entries of the fabric's table; none where there is no table.
fn entries(nft: &mut Nft, fabric: &Fabric) -> Result<Option<Vec<Entry>>, RequestError> {
    let elements = nft.elements(&fabric.table, SET)?;
    Ok(elements
        .map(|found| found.into_iter().map(|(address, interface)| Entry { address, interface }).collect()))
}

/// Whether the table masquerades exactly `addresses` for `interface`.
pub(crate) fn holds(
    nft: &mut Nft,
    fabric: &Fabric,
    interface: &str,
    addresses: &[Ipv4Addr],
) -> Result<bool, RequestError> {
    let found = entries(nft, fabric)?.unwrap_or_default();
    Ok(plan_hold(&found, interface, addresses).is_empty() && has_rule(nft, fabric)?)
}

/// Whether the table has its rule.
fn has_rule(nft: &mut Nft, fabric: &Fabric) -> Result<bool, RequestError> {
    Ok(nft.count_rules(&fabric.table, CHAIN.name)? == 1)
}

/// Makes `addresses` the ones of `interface`, with the table where it is missing or was altered.
///
/// The table is not written anew each time: a transaction that deletes rules makes the next one wait some 10 ms for the kernel.
pub(crate) fn hold(fabric: &Fabric, interface: &str, addresses: &[Ipv4Addr]) -> Result<(), RequestError> {
    let mut nft = Nft::open()?;
    until_current(|| {
        let generation = nft.generation()?;
        let found = entries(&mut nft, fabric)?.unwrap_or_default();
        let change = plan_hold(&found, interface, addresses);
        let declared = has_rule(&mut nft, fabric)?;
        if change.is_empty() && declared {
            return Ok(());
        }
        let mut batch = nft.begin(&fabric.table, Some(generation));
        if !declared {
            declare(&mut batch, fabric); // missing, or altered by hand
        }
        batch.delete_elements(SET, &change.remove);
        batch.add_elements(SET, &change.add, interface);
        nft.commit(batch)
    })
}

/// Takes out every entry that is not to be kept, and the table with the last of them.
///
/// Tried without `masquerade` too, in case it was configured before; but then a kernel without nftables has nothing to release.
pub(crate) fn release(fabric: &Fabric, keep: impl Fn(&Entry) -> bool) -> Result<Released, RequestError> {
    let mut nft = match Nft::open().and_then(|mut nft| nft.generation().map(|_| nft)) {
        Err(_) if !fabric.masquerade => return Ok(Released::default()),
        opened => opened?,
    };
    until_current(|| {
        let generation = nft.generation()?;
        let Some(found) = entries(&mut nft, fabric)? else { return Ok(Released::default()) };
        let (kept, leaving): (Vec<_>, Vec<_>) = found.into_iter().partition(&keep);
        let released = Released { entries: leaving.len(), table: kept.is_empty() };
        if released == Released::default() {
            return Ok(released);
        }
        let mut batch = nft.begin(&fabric.table, Some(generation));
        if released.table {
            batch.delete_table();
        } else {
            let addresses: Vec<Ipv4Addr> = leaving.iter().map(|entry| entry.address).collect();
            batch.delete_elements(SET, &addresses);
        }
        nft.commit(batch).map(|()| released)
    })
}

/// Writes the whole table; what is there of it already is kept or made right.
fn declare(batch: &mut Batch<'_>, fabric: &Fabric) {
    batch.ensure_table();
    batch.ensure_address_set(SET);
    batch.ensure_empty_chain(CHAIN);
    let ours = fabric.interface_prefix.as_bytes();
    batch.append_rule(
        CHAIN,
        &[
            Expression::SourceAddress,
            Expression::IsIn(SET),
            Expression::OutputInterface,
            Expression::IsNot(ours),
            Expression::Masquerade,
        ],
    );
}

/// Entries of the interface that are no longer wanted go; so do another interface's claims on a wanted address.
fn plan_hold(found: &[Entry], interface: &str, wanted: &[Ipv4Addr]) -> Change {
    let right = |entry: &Entry| entry.interface == interface && wanted.contains(&entry.address);
    let concerned = |entry: &&Entry| entry.interface == interface || wanted.contains(&entry.address);
    let remove =
        found.iter().filter(concerned).filter(|entry| !right(entry)).map(|entry| entry.address).collect();
    let held = |address: &Ipv4Addr| found.iter().any(|entry| right(entry) && entry.address == *address);
    Change { remove, add: wanted.iter().copied().filter(|address| !held(address)).collect() }
}

impl Change {
    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }
}

/// Plans and commits again while others change the ruleset in between.
fn until_current<T>(mut attempt: impl FnMut() -> Result<T, RequestError>) -> Result<T, RequestError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if is_stale(&error) && Instant::now() < deadline => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(address: [u8; 4], interface: &str) -> Entry {
        Entry { address: address.into(), interface: interface.into() }
    }

    const FIVE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
    const SIX: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);

    #[test]
    fn a_new_address_is_added_and_others_stay() {
        let found = [entry([10, 0, 0, 6], "whb")];
        assert_eq!(plan_hold(&found, "wha", &[FIVE]), Change { remove: vec![], add: vec![FIVE] });
    }

    #[test]
    fn what_is_held_already_needs_no_change() {
        let found = [entry([10, 0, 0, 5], "wha")];
        assert!(plan_hold(&found, "wha", &[FIVE]).is_empty());
    }

    #[test]
    fn an_address_no_longer_wanted_goes() {
        let found = [entry([10, 0, 0, 5], "wha"), entry([10, 0, 0, 6], "wha")];
        assert_eq!(plan_hold(&found, "wha", &[FIVE]), Change { remove: vec![SIX], add: vec![] });
    }

    #[test]
    fn a_stale_claim_of_a_dead_interface_is_taken_over() {
        let found = [entry([10, 0, 0, 5], "whdead")];
        assert_eq!(plan_hold(&found, "wha", &[FIVE]), Change { remove: vec![FIVE], add: vec![FIVE] });
    }
}
