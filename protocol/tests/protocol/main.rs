//! What the crate promises, as rules: names and forms on the wire, tolerance, signatures, and no panic on anything.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod arbitrary;
mod arns;
mod errors;
mod golden;
mod identity;
mod mutations;
mod recorded;
mod refusals;
mod signatures;
mod tolerance;
