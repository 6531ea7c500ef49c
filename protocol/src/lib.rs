//! The words both sides speak: ECS API shapes, ACS and TCS messages, ARNs, SigV4.
//!
//! Owns names and forms on the wire. Refuses sockets, clocks and tokio.
#![forbid(unsafe_code)]

#[macro_use]
mod wire;

pub mod acs;
pub mod api;
pub mod arn;
pub mod docker;
mod envelope;
pub mod json;
pub mod refusal;
pub mod secret;
pub mod sigv4;
pub mod tcs;
pub mod timestamp;

pub use envelope::{DecodeError, Decoded};
pub use refusal::Refusal;
pub use secret::{Secret, SensitiveMap};
pub use timestamp::Timestamp;
