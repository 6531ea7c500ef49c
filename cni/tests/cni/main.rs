//! The rules of the network, on the real kernel. Each test has a "host" of its own, a network namespace, so the machine is not touched.
//!
//! They need root. The programs `ip` and `nft` only look on, so that the code under test is not its own witness.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails where it stands")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test bounds its waits in its own words; the names are for operators"
)]

mod agents;
mod ctr;
mod endpoint;
mod fabric;
mod failures;
mod lab;
mod plugin;
mod remains;
