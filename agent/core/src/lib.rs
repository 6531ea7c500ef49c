//! The pure machine of the agent: events in, effects out.
//!
//! Owns every decision about tasks, containers, interfaces and host resources. Refuses I/O, clocks, randomness, logging and tokio.
//! The shell (`wharf-agent`) drains its inbox in batches and calls [`node::Node::step`]; then it saves what changed, sends the
//! replies and starts the effects, in that order.
#![forbid(unsafe_code)]

mod apply;
mod apply_control;
mod apply_observed;
mod apply_runtime;
mod apply_task;
mod draft;
mod order;
mod plan;
mod reporting;
mod settle;
mod wakeup;

pub mod admission;
pub mod attachment;
pub mod config;
pub mod container;
pub mod effect;
pub mod event;
pub mod health;
pub mod node;
pub mod note;
pub mod phase;
pub mod reason;
pub mod record;
pub mod report;
pub mod spec;
pub mod task;
pub mod time;
pub mod wait;
pub mod work;
