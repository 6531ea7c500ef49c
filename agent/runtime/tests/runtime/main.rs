//! The runtime crate against real containerd: one private instance per test, and a leak check after each.
//!
//! Needs root, containerd, runc and busybox-static. `WHARF_TEST_CONTAINERD_BIN` names a directory that holds the
//! containerd to use instead of the installed one.

mod bench;
mod demo_image;
mod events;
mod exec;
mod lab;
mod lifecycle;
mod load;
mod logger;
mod pull;
mod registry;
mod spec;
