//! nftables without the `nft` program: `batch` writes atomic transactions, `rule` their expressions, `masquerade` owns the host's table.
//!
//! Refused here: any table that is not ours.

mod batch;
pub(crate) mod masquerade;
mod rule;

pub(crate) use batch::{Batch, Chain, Hook, Nft};
pub(crate) use rule::Expression;

use nix::errno::Errno;

use crate::netlink::RequestError;

/// What the kernel answers to a transaction that was planned on an older ruleset.
const STALE_GENERATION: Errno = Errno::ERESTART;

/// Whether a transaction failed because the ruleset changed since it was read, so that reading again is due.
pub(crate) fn is_stale(error: &RequestError) -> bool {
    error.errno() == Some(STALE_GENERATION)
}

#[cfg(test)]
mod uapi;
