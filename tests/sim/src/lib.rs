//! The simulator: the real agent (core, owner loop, effects, recovery, reports, ACS session) over a simulated world, driven by one
//! seed, on one thread, and the same each time. `docs/explanation/simulation.md` says what is real and what is not.
//!
//! ```text
//! seed → Scenario → World ⇄ seams ⇄ the real agent      checks after every step → Outcome
//! ```
#![forbid(unsafe_code)]

mod check;
pub mod contract;
mod fate;
mod history;
mod host;
mod link;
mod message;
mod misread;
mod mistake;
mod network;
mod plane;
mod renewal;
mod run;
mod runtime;
mod scenario;
mod shrink;
mod store;
mod world;

pub use check::{Broken, RULES};
pub use history::History;
pub use mistake::Mistake;
pub use run::{Outcome, run};
pub use scenario::Scenario;
pub use shrink::shrink;
