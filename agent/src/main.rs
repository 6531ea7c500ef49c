//! The `wharf-agent` binary.
fn main() {}
