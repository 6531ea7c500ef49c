//! The words both sides speak: ECS API shapes, ACS and TCS messages, ARNs, SigV4.
//!
//! Owns names and forms on the wire. Refuses sockets, clocks and tokio.
#![forbid(unsafe_code)]

pub mod arn;
