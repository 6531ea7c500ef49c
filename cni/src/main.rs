//! The `wharf-cni` plugin binary.
fn main() {}
