//! Rules of the agent's shell, one module a part; one binary, so that they link once.
#![expect(
    clippy::disallowed_methods,
    reason = "a test bounds its waits in its own words; the names are for operators"
)]

mod acs;
mod capabilities;
mod cli;
mod config;
mod conversation;
mod endpoints;
mod fixture;
mod foreign;
mod healing;
mod introspection;
mod kernel;
mod namespaces;
mod observe;
mod projection;
mod reasons;
mod sampler;
mod sockets;
mod store;
mod store_faults;
mod store_hosts;
mod telemetry;
