//! The edge between the wire and the core: the one place where ACS messages become values of `wharf-core`, and reports become
//! API requests.
//!
//! Owns every rule about which payloads are understood (spec 3.5, 3.8, 5). Refuses to ignore: a field that asks for something
//! this version cannot do refuses its task, with a reason that names the field. Pure: time and ids come in as values.
//!
//! ```text
//! PayloadMessage ─payload─▶ goals + credentials     TaskReport ─report─▶ SubmitTaskStateChangeRequest
//! other messages ─messages─▶ Event                  Reply ─messages─▶ Message
//! ```

mod container;
mod docker;
mod health;
mod interface;
mod messages;
mod payload;
mod process;
mod refusal;
pub mod report;
mod task;
mod volume;

pub use messages::{
    credentials_ack, interface_assigned, manifest_received, reply_message, role_credentials, stops_verified,
};
pub use payload::{Converted, Policy, RoleCredentials, convert};
pub use refusal::Refusal;
