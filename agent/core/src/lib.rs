//! The pure machine of the agent: events in, effects out.
//!
//! Owns every decision about tasks, containers, interfaces and host resources. Refuses I/O, clocks, randomness, logging and tokio.
//! The shell (`wharf-agent`) drains its inbox in batches and calls [`node::Node::step`]; then it saves what changed, sends the
//! replies and starts the effects, in that order.
//!
//! | To find out… | read |
//! |---|---|
//! | what can happen, be done, be said | [`event`], [`effect`], [`report`], [`reason`], [`spec`] |
//! | how a step goes | [`node`] |
//! | what an event changes | `apply_control` (control plane), `apply_runtime` (containers in the making), `apply_process` (their processes), `apply_image` (images), `apply_task` (networks, reports), `apply_observed` (recovery) |
//! | what follows by itself: essential rule, overdue acts, the course of a stop | `settle` |
//! | what is done next | `plan`, with `order` (dependsOn) and [`admission`] (host resources) |
//! | how many containers are made at once | `making` |
//! | when a report is due and what it says | `reporting` |
//! | whether a container is started again in place | [`restart`], `container/restarting` |
//! | what is in flight or rests | [`work`] |
//! | what a clock that is set does to deadlines | [`clock`], `container/clock` |
//! | which images are kept out, since they crash containerd | [`quarantine`] |
//! | what is saved | [`record`] |
//! | what a task waits for, and why it stopped | [`wait`], `why` |
//! | what a task went through, and what is left of it | [`journal`], `chronicle`, [`story`] |
#![forbid(unsafe_code)]

mod apply;
mod apply_control;
mod apply_image;
mod apply_observed;
mod apply_process;
mod apply_runtime;
mod apply_task;
mod chronicle;
mod draft;
mod making;
mod order;
mod plan;
mod reporting;
mod retire;
mod settle;
mod wakeup;
mod why;

pub mod admission;
pub mod adopt;
pub mod attachment;
pub mod clock;
pub mod config;
pub mod container;
pub mod effect;
pub mod event;
pub mod health;
pub mod journal;
pub mod node;
pub mod note;
pub mod phase;
pub mod quarantine;
pub mod reason;
pub mod record;
pub mod report;
pub mod restart;
pub mod spec;
pub mod story;
pub mod task;
pub mod time;
pub mod wait;
pub mod work;
