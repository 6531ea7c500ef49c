//! Rules of the agent's shell, one module a part; one binary, so that they link once.

mod config;
mod store;
