//! The Wharf agent: a daemon that runs ECS tasks on containerd.
#![forbid(unsafe_code)]

pub mod acs;
pub mod agent;
pub mod capabilities;
pub mod causes;
pub mod cli;
pub mod config;
pub mod conversation;
pub mod effects;
mod ending;
pub mod endpoints;
mod failpoint;
pub mod foreign;
pub mod healing;
pub mod http;
pub mod introspection;
pub mod last_lines;
pub mod life;
pub mod link;
pub mod network;
pub mod notes;
pub mod observe;
pub mod owner;
pub mod seam;
pub mod store;
pub mod systemd;
pub mod telemetry;
pub mod timekeeper;
pub mod view;
pub mod waits;
