//! What every implementation of a seam promises, real or simulated: rules over the trait, run on both.
//!
//! A simulated world is worth something only as far as it behaves like the real one. `tests/sim/tests/contract.rs` runs these.

pub mod store;
