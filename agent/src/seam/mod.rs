//! The seams: the few places where the agent's own code ends and the world begins.
//!
//! Owns one small trait for each and the real thing behind it. Above them stands everything that decides, orders, waits and
//! retries, and it is the same code whether the world is this host or a simulation. Refuses convenience: a seam has the calls that
//! the agent makes, and no others.
//!
//! | Seam | Here | Real |
//! |---|---|---|
//! | [`Clock`] | the wall clock, and the time since boot to hold it against; what waits uses tokio's time | [`SystemClock`] |
//! | [`Runtime`] | images and containers | [`wharf_runtime::Containerd`] |
//! | [`Network`] | what a task has on the host besides its containers | [`crate::network::HostNetwork`] |
//! | [`Store`] | what outlives the agent | [`crate::store::Store`] |
//! | [`ControlPlane`] | calls, and the stream below the ACS session | [`wharf_link::api::ApiClient`] |
//!
//! Futures are `Send` because effects run as tasks of their own. An implementation may be dropped at any await: the agent is
//! crash-only, and so is whatever it stands on.

mod clock;
mod network;
mod runtime;
mod store;

pub use clock::{Clock, SystemClock};
pub use network::Network;
pub use runtime::Runtime;
pub use store::Store;
pub use wharf_link::plane::ControlPlane;

use std::fmt;

/// A world for the agent: one type for each seam.
pub trait Outside: Clone + fmt::Debug + Send + Sync + 'static {
    /// The wall clock.
    type Clock: Clock;
    /// Images and containers.
    type Runtime: Runtime;
    /// Namespaces, interfaces, files and cgroups of tasks.
    type Network: Network;
    /// What outlives the agent.
    type Store: Store;
    /// The control plane.
    type Plane: ControlPlane;
}

/// This host: Linux, containerd, SQLite and HTTP.
#[derive(Debug, Clone)]
pub struct Host;

impl Outside for Host {
    type Clock = SystemClock;
    type Runtime = wharf_runtime::Containerd;
    type Network = crate::network::HostNetwork;
    type Store = crate::store::Store;
    type Plane = wharf_link::api::ApiClient;
}
