//! The agent's conversations with the control plane: ECS API client, ACS and TCS sessions.
//!
//! Owns sockets, signing with the agent's own credentials, timers, retries and reconnects (spec sections 2 to 4).
//! Refuses decisions about tasks: messages go to the owner, its answers go out.
//!
//! | Module | Idea |
//! |---|---|
//! | [`credentials`] | where the agent's credentials come from |
//! | [`api`], [`register`], [`submit`] | the calls; what their failures mean |
//! | [`plane`] | the seam: what of all this a simulation replaces |
//! | [`session`], [`backoff`], [`jitter`] | the timers, as pure state |
//! | [`acs`], [`tcs`] | the two websockets |
#![forbid(unsafe_code)]

pub mod acs;
pub mod api;
pub mod backoff;
pub mod credentials;
pub mod endpoint;
mod failpoint;
pub mod jitter;
mod outbox;
pub mod plane;
pub mod register;
pub mod session;
mod sign;
mod socket;
pub mod submit;
pub mod tcs;
mod transport;

pub use transport::TransportError;
