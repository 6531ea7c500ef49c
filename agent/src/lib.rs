//! The Wharf agent: a daemon that runs ECS tasks on containerd.
#![forbid(unsafe_code)]

pub mod acs;
pub mod capabilities;
pub mod config;
pub mod endpoints;
pub mod http;
pub mod introspection;
pub mod store;
pub mod telemetry;
pub mod view;
