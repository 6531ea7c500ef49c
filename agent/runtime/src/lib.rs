//! containerd for Wharf: images, containers, exits, over gRPC.
//!
//! Owns everything that touches containerd and the cgroup file system: the image store and pulls into it, OCI specs,
//! the life of a container from snapshot to deletion, probes run inside it, and the stream of exits.
//! Refuses to know what a task is: it sees container ids, a shim group and a cgroup path, and decides nothing about order.
//!
//! Every call to containerd has a name and a deadline ([`RpcError`]), creating twice is creating once, and deleting what
//! is missing is success. Start at [`Containerd`].

#![forbid(unsafe_code)]

mod abandoned;
pub mod cgroup;
mod config;
mod connect;
pub mod container;
mod events;
mod exec;
mod failpoint;
pub mod image;
mod keyed_lock;
mod presence;
mod process;
mod rpc;
mod scratch_mount;
mod spec;
mod time;

pub use config::{ContainerdConfig, PullSettings};
pub use connect::{ConnectError, Containerd, PingError};
pub use container::{
    CreateContainer, CreateError, DeleteError, ExitStatus, InspectError, ListError, LogTarget, Mount,
    NetworkNamespace, ObservedContainer, ObservedState, ProcessOptions, RenewContainer, RenewError,
    Resources, SignalError, SignalOutcome, StartError, Started,
};
pub use events::RuntimeEvent;
#[doc(hidden)]
pub use events::try_events;
pub use exec::{ExecError, ExecOutcome};
pub use image::{
    Image, ImageConfig, ListedImage, LoadError, PullError, PullPolicy, RegistryAuth, RemoveImageError, Retry,
    StoreError,
};
pub use presence::Absence;
#[doc(hidden)]
pub use process::try_process;
pub use rpc::RpcError;
#[doc(hidden)]
pub use spec::try_users;
pub use spec::{SpecError, UserError};
