//! The conversations with the control plane: pure rules first, then against a peer in this process that speaks the
//! protocol and verifies every signature.
//!
//! Rules are stepped in virtual time. Conversations run in real time with shortened timers; nothing sleeps, every
//! wait is for an event, with a deadline.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test bounds its waits in its own words; the names are for operators"
)]

mod acs;
mod acs_hostile;
mod acs_loop;
mod api;
mod credentials;
mod endpoint_rules;
mod environment;
mod message_rules;
mod outage;
mod page_rules;
mod peer;
mod raw_peer;
mod register;
mod register_rules;
mod session_rules;
mod tcs;
mod tls;
