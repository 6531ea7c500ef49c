//! The pure machine of the agent: events in, effects out.
//!
//! Owns every decision about tasks, containers, interfaces and host resources. Refuses I/O, clocks, randomness, logging and tokio.
//! The shell (`wharf-agent`) drains its inbox in batches and calls [`node::Node::step`]; then it saves what changed, sends the
//! replies and starts the effects, in that order.
#![forbid(unsafe_code)]

pub mod effect;
pub mod event;
pub mod reason;
pub mod report;
pub mod spec;
pub mod time;
