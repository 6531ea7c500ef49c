//! The words both sides speak: ECS API shapes, ACS and TCS messages, ARNs, SigV4.
//!
//! Owns names and forms on the wire. Refuses sockets, clocks and tokio.
//!
//! | Module | What it speaks |
//! |---|---|
//! | [`acs`] | the websocket that tells an agent what to run |
//! | [`tcs`] | the websocket that takes metrics and health, with its signed frames |
//! | [`api`] | the ECS API: operations, shapes, errors |
//! | [`docker`] | the JSON strings inside `dockerConfig` |
//! | [`sigv4`] | signatures: making and verifying them |
//! | [`json`] | the tolerance with which all of it is decoded |
//! | [`arn`] | names of resources |
//!
//! ```
//! use wharf_protocol::acs::{self, Decoded, HeartbeatAckRequest, Message};
//!
//! let frame = r#"{"type":"HeartbeatMessage","message":{"Healthy":true,"messageId":"h-1","new":[]}}"#;
//! let Ok(Decoded::Message(Message::HeartbeatMessage(heartbeat))) = acs::decode(frame) else { panic!() };
//! let ack = HeartbeatAckRequest { message_id: heartbeat.message_id };
//! assert_eq!(acs::encode(&ack.into()), r#"{"type":"HeartbeatAckRequest","message":{"messageId":"h-1"}}"#);
//! ```
#![forbid(unsafe_code)]

#[macro_use]
mod wire;

pub mod acs;
pub mod api;
pub mod arn;
pub mod docker;
mod envelope;
pub mod json;
mod refusal;
mod secret;
pub mod sigv4;
pub mod tcs;
mod timestamp;

pub use envelope::{DecodeError, Decoded};
pub use refusal::Refusal;
pub use secret::{Secret, SensitiveMap};
pub use timestamp::Timestamp;
