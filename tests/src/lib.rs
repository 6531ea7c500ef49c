//! A world to test Wharf in: a private containerd, control planes, an agent, and a check that nothing is left of them.
//!
//! Owns every directory, process and kernel object that a test makes. Refuses the host's containerd and addresses off this machine.
#![forbid(unsafe_code)]

pub mod asker;
pub mod cgroup;
pub mod containerd;
pub mod failpoints;
pub mod floor;
pub mod fresh;
pub mod http;
pub mod image;
pub mod leaks;
pub mod long;
#[path = "../../protocol/fuzz/mutate.rs"]
pub mod mutate;
pub mod payload;
pub mod plane;
pub mod proxy;
pub mod reboot;
pub mod registry;
pub mod restart;
pub mod scripted;
pub mod signal;
pub mod sources;
pub mod trapdoor;
pub mod volume;
pub mod wait;
pub mod wire;
pub mod witness;
pub mod world;
