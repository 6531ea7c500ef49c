//! The `wharf-control-plane` binary.
fn main() {}
