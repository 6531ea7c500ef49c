//! DEL: removes a task's network. What is missing counts as removed; one failure does not keep the rest.

use std::fmt;
use std::path::Path;

use crate::fabric::{Fabric, WishError};
use crate::failpoint::failpoint;
use crate::netlink::{RequestError, RouteSocket};
use crate::nft::masquerade;

/// Why part of a task's network is still there.
#[derive(Debug, thiserror::Error)]
pub enum DelError {
    /// The fabric's names cannot be the kernel's, so nothing was tried.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// Some parts are left; the others are gone.
    #[error("cannot remove all of the network of {id}: {failures}")]
    Left {
        /// The task's id.
        id: String,
        /// What failed.
        failures: Failures,
    },
}

/// Every failure of an operation that keeps going.
#[derive(Debug, Default)]
pub struct Failures(pub Vec<Failure>);

/// One part that could not be removed.
#[derive(Debug)]
pub struct Failure {
    /// The part, such as `interface wh0123456789ab`.
    pub part: String,
    /// What the kernel said.
    pub source: RequestError,
}

impl Failures {
    /// Notes the failure, if it is one, and goes on.
    pub(crate) fn note<T: Default>(
        &mut self,
        part: impl Into<String>,
        outcome: Result<T, RequestError>,
    ) -> T {
        outcome.unwrap_or_else(|source| {
            self.0.push(Failure { part: part.into(), source });
            T::default()
        })
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Failure { part, source }) in self.0.iter().enumerate() {
            write!(f, "{}{part}: {source}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// Removes a task's network on the calling thread; see [`crate::del()`].
///
/// The pair goes by the host's end and takes the task's end, addresses, routes and neighbours with it, so the namespace may be gone
/// already. It is taken for the call's symmetry with ADD and for fabrics that will need it.
///
/// # Errors
/// [`DelError`].
pub fn del(fabric: &Fabric, id: &str, _namespace: &Path) -> Result<(), DelError> {
    fabric.validate()?;
    let interface = fabric.host_interface(id);
    let mut failures = Failures::default();
    let deleted = RouteSocket::open().and_then(|mut routes| routes.delete_link(&interface));
    failures.note(format!("interface {interface}"), deleted);
    failpoint!("release.pair-removed" if failures.0.is_empty());
    let released = masquerade::release(fabric, |entry| entry.interface != interface);
    failures.note(format!("masquerading of {interface}"), released);
    if failures.0.is_empty() { Ok(()) } else { Err(DelError::Left { id: id.to_owned(), failures }) }
}
