//! The runtime crate against real containerd: one private instance per test, and a leak check after each.
//!
//! Needs root, containerd, runc and busybox-static. `WHARF_TEST_CONTAINERD_BIN` names a directory that holds the
//! containerd to use instead of the installed one.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test bounds its waits in its own words; the names are for operators"
)]

mod abandoned;
mod cgroup;
mod demo_image;
mod events;
mod exec;
mod lab;
mod left_shim;
mod lifecycle;
mod load;
mod logger;
mod pull;
mod refused;
mod registry;
mod renew;
mod spec;
mod survivor;
