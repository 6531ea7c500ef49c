//! Rules of the agent's shell, one module a part; one binary, so that they link once.

mod config;
mod endpoints;
mod fixture;
mod introspection;
mod projection;
mod sockets;
mod store;
mod telemetry;
