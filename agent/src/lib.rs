//! The Wharf agent: a daemon that runs ECS tasks on containerd.
#![forbid(unsafe_code)]

pub mod config;
