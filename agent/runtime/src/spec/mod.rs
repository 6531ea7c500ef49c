//! The OCI spec of a container: Docker's defaults, and what was asked for.
//!
//! Owns every default that a user of ECS expects from Docker: capabilities, system calls, devices, masked paths, mounts,
//! environment. Pure but for [`user`], which has to look into the image, and a few facts about the host ([`Host`]).

mod build;
mod capability;
mod device;
mod host;
mod mount;
mod rlimit;
mod seccomp;
mod user;

pub use build::SpecError;
pub use user::UserError;
#[doc(hidden)]
pub use user::try_users;

pub(crate) use build::{Wanted, build};
pub(crate) use host::Host;
pub(crate) use user::{UserCache, resolve_user};
