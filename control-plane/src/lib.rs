//! An ECS-compatible control plane: the public ECS API, ACS and TCS, a scheduler and a store (spec sections 2 to 4 and 8).
//!
//! Requests become functions over a pure [`model`], which one loop ([`owner`]) owns. A turn of that loop applies what waits, plans what
//! agents are owed, saves, and only then answers and sends. So whatever anybody was told survives a kill, and a restart just goes on.
//!
//! ```text
//! api ─┐                    ┌─▶ store (SQLite, one transaction a turn)
//! acs ─┼─▶ owner ─▶ model ──┤
//! tcs ─┘           ▲        └─▶ acs (messages to agents)
//!              scheduler
//! ```
#![forbid(unsafe_code)]

pub mod acs;
pub mod api;
pub mod auth;
pub mod journal;
pub mod model;
pub mod owner;
pub mod scheduler;
pub mod server;
pub mod store;
pub mod tcs;
