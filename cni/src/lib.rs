//! Task networks over netlink, as a library and as a CNI plugin.
//!
//! Every operation reads as `parse → observe → plan → apply`: what the kernel holds is read first (`observe`), a pure function turns wish and
//! world into a [`plan::Plan`] that can be printed, and only then is anything changed (`apply`).
//!
//! The fabric is routed. A task has a veth pair; its end of the pair carries its addresses as /32 and /128 and knows one neighbour, the
//! gateway, by a fixed entry. The host's end is named after the task ([`Fabric::host_interface`]), answers for the gateway and carries one route per
//! task address. There is no bridge, no ARP and no shared broadcast domain; what one task sends another passes the host's forward hook.
//!
//! Refused here: ECS, containerd, address assignment, and running any other program.
#![forbid(unsafe_code)]

pub mod add;
mod apply;
mod blocking;
pub mod check;
pub mod counters;
pub mod del;
pub mod endpoint;
pub mod fabric;
mod failpoint;
mod forwarding;
pub mod netlink;
pub mod netns;
mod nft;
mod observe;
pub mod plan;
#[doc(hidden)]
pub mod plugin;
pub mod status;
pub mod sweep;

use std::collections::BTreeSet;
use std::path::Path;

pub use add::{AddError, Attached};
pub use apply::ApplyError;
pub use check::CheckError;
pub use del::DelError;
pub use fabric::{Attachment, Fabric};
pub use observe::ObserveError;
pub use sweep::{SweepError, Swept};

/// Connects a task to the host; doing it twice is doing it once, and a failure leaves nothing behind.
///
/// The work runs to its end even when the returned future is dropped, so that a half-made network is never left by a cancelled caller.
///
/// # Errors
/// [`AddError`] says which wish was wrong, which address or interface is taken, or what the kernel refused.
pub async fn add(fabric: &Fabric, attachment: &Attachment) -> Result<Attached, AddError> {
    let (fabric, attachment) = (fabric.clone(), attachment.clone());
    blocking::run(move || add::add(&fabric, &attachment)).await
}

/// Removes everything [`add()`] made for the task `id`; what is missing counts as removed.
///
/// # Errors
/// [`DelError`] lists every part that could not be removed; the other parts are gone.
pub async fn del(fabric: &Fabric, id: &str, namespace: &Path) -> Result<(), DelError> {
    let (fabric, id, namespace) = (fabric.clone(), id.to_owned(), namespace.to_owned());
    blocking::run(move || del::del(&fabric, &id, &namespace)).await
}

/// Compares a task's network with what [`add()`] would make, changing nothing.
///
/// # Errors
/// [`CheckError`] names what differs.
pub async fn check(fabric: &Fabric, attachment: &Attachment) -> Result<(), CheckError> {
    let (fabric, attachment) = (fabric.clone(), attachment.clone());
    blocking::run(move || check::check(&fabric, &attachment)).await
}

/// Removes this fabric's kernel objects that belong to none of the task ids in `keep`, and counts them.
///
/// A caller that adds at the same time must have the new task's id in `keep`.
///
/// # Errors
/// [`SweepError`] lists what could not be removed; everything else was.
pub async fn sweep(fabric: &Fabric, keep: &BTreeSet<String>) -> Result<Swept, SweepError> {
    let (fabric, keep) = (fabric.clone(), keep.clone());
    blocking::run(move || sweep::sweep(&fabric, &keep)).await
}
