//! What tasks use and how they fare, for TCS and for the tasks themselves.
//!
//! Owns readings of cgroups and interfaces, their short history, and the arithmetic from samples to sets. Refuses sessions (the link
//! has them) and decisions about tasks. Source: spec 4.5 to 4.7 and 6.2 (stats).
//!
//! ```text
//!   view ---> Sampler --read every 2.5 s--> series --publish, every 20 s--> TCS
//!                `--last two readings--> StatsView --> /stats
//! ```

pub mod health;
pub mod instance;
pub mod kernel;
pub mod publisher;
pub mod reading;
pub mod sampler;
pub mod series;
pub mod sets;
pub mod stats;
